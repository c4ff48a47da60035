"""A new job of any kind, from a form made of its schema; also an old one edited and run again, or repeated."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from flask import Response, request, url_for
from pydantic import ValidationError

from api.auth import needs
from api.console import source
from api.console.asking import ask, tell
from api.console.kind_form import form_of, params_from
from api.console.once import once_from_form
from api.console.pages import console, go, show
from api.console.typed_values import Control, read_json, read_value, readable_json
from api.console.wording import sentence
from api.estimates import views as estimates
from api.jobs import views
from api.jobs.schemas import JobPath, RetryBody, SubmitBody
from api.kinds.views import KindPath, get_kind
from api.platform import current_platform
from core.errors import InvalidInputError, PlatformError
from models.api_key import Role


@console.get("/jobs/new")
@needs(Role.SUBMITTER)
def new_job() -> Response:
    return show("kinds.html", kinds=list(current_platform().registry))


@console.get("/jobs/new/<name>")
@needs(Role.SUBMITTER)
def new_job_of(name: str) -> Response:
    """`?from=ID` fills the form with that job's params; `&edit=1` makes the new job name it as its origin."""
    origin = request.args.get("from", type=UUID)
    params = ask(views.get_params, path=JobPath(job_id=origin)) if origin else None
    return _shown(name, params=params, origin=origin if request.args.get("edit") else None)


@console.post("/jobs/new/<name>/fields")
@needs(Role.SUBMITTER)
def fields(name: str) -> Response:
    """The fields again, now that a file is chosen: with its sheets and columns, and what the job would take."""
    typed = request.form.to_dict()
    schema = _kind(name)["params_schema"]
    return show(
        "new_job_fields.html",
        kind_name=name,
        form=form_of(schema, typed=typed),
        source=source.chosen(typed),
        estimate=_estimate(name, params_from(schema, typed)),
    )


def _estimate(name: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """What the job would take, as soon as the form says enough."""
    if not current_platform().registry[name].estimate:
        return None
    try:
        found: dict[str, Any] = tell(estimates.estimate, body=estimates.EstimateBody(kind=name, params=params))
    except (PlatformError, ValidationError):
        return None
    return found


@console.post("/jobs/new/<name>")
@needs(Role.SUBMITTER)
def submit(name: str) -> Response:
    request.get_data()
    typed = request.form.to_dict()
    schema = _kind(name)["params_schema"]
    origin = request.form.get("origin", type=UUID)
    problems: list[dict[str, Any]] = []
    trouble = ""
    try:
        params = _typed_params(schema, typed)
        job = once_from_form(lambda: _submitted(name, params, typed, origin))
    except InvalidInputError as error:
        problems = error.details.get("validation_errors", [])
        trouble = "" if problems else sentence(error.message)
    except ValidationError as error:
        problems = [dict(item) for item in error.errors(include_url=False, include_context=False)]
    else:
        return go(url_for("console.job", job_id=job["id"]))
    return _shown(name, typed=typed, problems=problems, trouble=trouble, origin=origin)


def _typed_params(schema: dict[str, Any], typed: dict[str, str]) -> dict[str, Any]:
    if "params_json" not in typed:
        return params_from(schema, typed)
    params = read_json(typed["params_json"])
    if not isinstance(params, dict):
        raise InvalidInputError("this is not a JSON object; it begins with { and ends with }")
    return params


def _submitted(name: str, params: dict[str, Any], typed: dict[str, str], origin: UUID | None) -> Any:
    if origin is not None:
        return tell(views.retry_job, path=JobPath(job_id=origin), body=RetryBody(params=params))
    unique = typed.get("unique", "").strip()
    body = SubmitBody.model_validate(
        {
            "kind": name,
            "params": params,
            "priority": typed.get("priority") or 5,
            "tags": [tag.strip() for tag in typed.get("tags", "").split(",") if tag.strip()],
            "run_at": read_value(Control.MOMENT, typed.get("run_at", "")),
            "unique": {"key": unique} if unique else None,
        }
    )
    return tell(views.submit_job, body=body)


def _kind(name: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(get_kind, path=KindPath(name=name))
    return found


def _shown(
    name: str,
    *,
    params: dict[str, Any] | None = None,
    typed: dict[str, str] | None = None,
    problems: list[dict[str, Any]] | None = None,
    trouble: str = "",
    origin: UUID | None = None,
) -> Response:
    kind = _kind(name)
    chosen_file = request.args.get("file")
    if chosen_file and typed is None and params is None:
        typed = {"file": chosen_file}
    as_json = request.args.get("as") == "json" or (typed is not None and "params_json" in typed)
    form = form_of(kind["params_schema"], params, problems, None if as_json else typed)
    is_wrong = bool(problems or trouble)
    return show(
        "new_job.html",
        422 if is_wrong else 200,
        kind=kind,
        kind_name=name,
        asks_for_file="file" in kind["params_schema"].get("properties", {}),
        form=form,
        source=source.chosen(typed if typed is not None else params or {}),
        estimate=None,
        as_json=as_json,
        params_json=(typed or {}).get("params_json") or readable_json(params),
        problems=problems or [],
        trouble=trouble,
        origin=origin,
        typed=typed or {},
        once=str(uuid4()),
    )
