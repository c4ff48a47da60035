"""Runs of the ETL: what each stage did, what was rejected and why, the rejects to mend and load again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request
from pydantic import TypeAdapter

from api.console.asking import ask
from api.console.pages import console, show
from api.console.shown_value import counts_of, shown
from api.etl import schemas, views
from tasks.etl.reasons import MEANING, Reason

_PAGE = 100
_MEASURED = {"done", "mark", "rows", "seconds", "rows_per_second", "peak_memory_bytes"}


@console.get("/etl")
def etl_runs() -> Response:
    page = ask(views.get_runs, query=schemas.RunQuery(cursor=request.args.get("cursor", type=UUID)))
    return show("etl_runs.html", page=page)


@console.get("/etl/<uuid:run_id>")
def etl_run(run_id: UUID) -> Response:
    path = schemas.RunPath(run_id=run_id)
    run = ask(views.get_run, path=path)
    query = _reject_query("json")
    earlier = [
        each
        for each in ask(views.get_runs, query=schemas.RunQuery(limit=20))["data"]
        if each["created_at"] < run["created_at"]
    ]
    return show(
        "etl_run.html",
        run=run,
        stages=run["stages"],
        stage_facts=shown({name: _facts_of(stage) for name, stage in run["stages"].items()}, depth=1),
        found=counts_of(run["stages"].get("transform", {}).get("reasons", {})),
        rejects=ask(views.get_rejects, path=path, query=query),
        reason=query.reason,
        reasons=[(str(reason), MEANING[reason]) for reason in Reason],
        earlier=earlier,
        comparison=_comparison(path),
    )


@console.get("/etl/<uuid:run_id>/rejects.<any(csv, xlsx):kind>")
def etl_rejects(run_id: UUID, kind: str) -> Response:
    """As a file that can be mended and loaded again as it is."""
    response: Response = views.get_rejects(path=schemas.RunPath(run_id=run_id), query=_reject_query(kind))
    return response


def _facts_of(stage: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in stage.items() if name not in _MEASURED}


def _reject_query(kind: str) -> schemas.RejectQuery:
    facts: dict[str, Any] = {"format": kind, "limit": _PAGE, "cursor": request.args.get("cursor", 0)}
    return schemas.RejectQuery.model_validate({**facts, "reason": request.args.get("reason") or None})


def _comparison(path: schemas.RunPath) -> dict[str, Any] | None:
    other = request.args.get("with")
    if not other:
        return None
    query = schemas.CompareQuery.model_validate({"with": TypeAdapter(UUID).validate_python(other), "limit": 10})
    found: dict[str, Any] = ask(views.compare_runs, path=path, query=query)
    return found
