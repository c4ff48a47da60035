"""One job: what it is doing, what came of it, every move with who and why, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from flask import Response, request, url_for

from api.artifacts.views import ArtifactPath, ArtifactsPath, get_artifact, list_artifacts
from api.console.asking import ask, exact, may, tell
from api.console.once import once_from_form
from api.console.pages import console, go, is_htmx, show
from api.console.shown_value import Shown, asked_for, shown
from api.console.typed_values import readable_json
from api.console.wording import moment, rough
from api.files.schemas import FilePath
from api.files.views import get_file
from api.jobs import views
from api.jobs.reading import read
from api.jobs.schemas import CancelBody, EventQuery, JobPath, JobQuery, LogQuery, RetryBody
from api.platform import current_platform
from core.clock import now
from core.errors import GoneError, NotFoundError
from models.job import FINAL, WAITING, JobStatus
from tasks.etl.contract import ETL

_SENTENCES = {
    "submitted": "Submitted",
    "queued": "Put in line",
    "claimed": "Started",
    "succeeded": "Succeeded",
    "failed": "Failed",
    "retrying": "Failed; will be tried again",
    "crashed": "Its process died; will be run again",
    "handed_back": "Handed back by a worker that is stopping",
    "cancel_requested": "Asked to stop",
    "cancelled": "Cancelled",
}


@console.get("/jobs/<uuid:job_id>")
def job(job_id: UUID) -> Response:
    facts = _facts(job_id)
    if is_htmx():
        return show("job_live.html", **facts)
    return show("job.html", **facts)


def _facts(job_id: UUID) -> dict[str, Any]:
    document = exact(read(job_id).body)
    path = JobPath(job_id=job_id)
    status = JobStatus(document["status"])
    kind = current_platform().registry.get(document["kind"])
    params, is_purged = _params(document, path)
    schema = kind.params.model_json_schema() if kind else {}
    inputs = list(_inputs(params or {}))
    return {
        "job": document,
        "kind": kind,
        "is_final": status in FINAL,
        "is_waiting": status in WAITING,
        "time_left": _time_left(document),
        "events": [_told(event) for event in ask(views.get_events, path=path, query=EventQuery(after=0))["data"]],
        "attempts": _attempts(document, path),
        "params": shown({**asked_for(params or {}, schema), **_named(inputs, params)}, schema),
        "params_json": readable_json(params),
        "result": _result(document, path),
        "artifacts": ask(list_artifacts, path=ArtifactsPath(job_id=job_id))["data"] if status in FINAL else [],
        "is_purged": is_purged,
        "inputs": inputs,
        "etl_run": _etl_run(document),
        "may_write": may(views.cancel_job),
        "once": str(uuid4()),
    }


def _params(document: dict[str, Any], path: JobPath) -> tuple[Any, bool]:
    if document["params"] is not None:
        return document["params"], False
    params = ask(views.get_params, path=path)
    return params, params is None


def _inputs(params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The uploaded files it reads, by their names; one that was deleted has none any more."""
    for part in (params, params.get("against") or {}):
        with suppress(NotFoundError, ValueError):
            if part.get("file"):
                yield ask(get_file, path=FilePath(file_id=UUID(str(part["file"]))))


def _named(inputs: list[dict[str, Any]], params: dict[str, Any] | None) -> dict[str, str]:
    """People know a file by its name, not by its id."""
    wanted = (params or {}).get("file")
    return next(({"file": file["name"]} for file in inputs if file["id"] == wanted), {})


def _etl_run(document: dict[str, Any]) -> str | None:
    """The run of which the ETL's own page tells more."""
    result = document["result"] or {}
    return result.get("run") if document["kind"] == ETL.name else None


def _result(document: dict[str, Any], path: JobPath) -> Shown | None:
    if document["status"] != JobStatus.SUCCEEDED:
        return None
    try:
        value = document["result"] or ask(views.get_result, path=path, query=JobQuery(wait=None))
    except GoneError:
        return None
    kind = current_platform().registry.get(document["kind"])
    return shown(value, kind.result.model_json_schema(mode="serialization") if kind else None)


def _time_left(document: dict[str, Any]) -> str:
    """From the pace so far; nothing is promised before there is a pace."""
    progress, started = document["progress"], moment(document["started_at"])
    if document["status"] != JobStatus.RUNNING or not progress or not started or not progress["total"]:
        return ""
    done, total = float(progress["done"]), float(progress["total"])
    if done <= 0 or done > total:
        return ""
    return f"about {rough((now() - started).total_seconds() * (total - done) / done)} left"


def _told(event: dict[str, Any]) -> dict[str, Any]:
    """An event as a sentence: what, and why."""
    detail = event["detail"] or {}
    reason = detail.get("message") or detail.get("reason") or ""
    if detail.get("forced"):
        reason = f"{reason} (its process was ended)".strip()
    if detail.get("replaced_by"):
        reason = f"replaced by {detail['replaced_by']}"
    return {**event, "sentence": _SENTENCES.get(event["event"], event["event"]), "reason": reason}


def _attempts(document: dict[str, Any], path: JobPath) -> list[dict[str, Any]]:
    """The newest attempt first, each with the beginning of its log."""
    newest = int(document["attempt"])
    found = []
    for attempt in range(newest, max(newest - 5, 0), -1):
        answer = ask(views.get_logs, path=path, query=LogQuery(attempt=attempt, after=0, limit=200))
        found.append({"attempt": attempt, "lines": answer["data"], "has_more": answer["next_after"] is not None})
    return found


@console.post("/jobs/<uuid:job_id>/cancel")
def cancel(job_id: UUID) -> Response:
    body = CancelBody(reason=request.form.get("reason") or None)
    tell(views.cancel_job, path=JobPath(job_id=job_id), body=body)
    return go(url_for("console.job", job_id=job_id))


@console.post("/jobs/<uuid:job_id>/retry")
def retry(job_id: UUID) -> Response:
    """The same params again, as a new job; a double click makes one."""
    new = once_from_form(lambda: tell(views.retry_job, path=JobPath(job_id=job_id), body=RetryBody(params=None)))
    return go(url_for("console.job", job_id=new["id"]))


@console.get("/jobs/<uuid:job_id>/result.json")
def result_json(job_id: UUID) -> Response:
    """The API's own answer, for a browser that has a session and no key."""
    response: Response = views.get_result(path=JobPath(job_id=job_id), query=JobQuery(wait=None))
    return response


@console.get("/jobs/<uuid:job_id>/artifacts/<name>")
def artifact(job_id: UUID, name: str) -> Response:
    response: Response = get_artifact(path=ArtifactPath(job_id=job_id, name=name))
    return response
