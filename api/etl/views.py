"""Runs of the ETL: what each stage did, what was rejected and why, and what a second run changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any
from uuid import UUID

from flask import Response
from flask_openapi import APIBlueprint, Tag

from api.auth import sees
from api.etl import schemas
from api.platform import current_holder, current_platform
from api.responses import json_response
from api.spreadsheets import csv_response, xlsx_response
from core.errors import NotFoundError
from models.api_key import Role
from models.etl_comparison import Comparison, rejects
from models.etl_run import EtlRun, RunStatus, find_run, list_runs
from tasks.etl.contract import STAGING_KEPT
from tasks.etl.reasons import MEANING, Reason

etl = APIBlueprint("etl", __name__, url_prefix="/api/v1/etl", abp_tags=[Tag(name="ETL", description=__doc__)])

_PAGE = 5000
_STAGES = ("load", "extract", "transform", "publish")
# The first column tells our reader that a leading apostrophe is a guard and no part of the value.
REJECT_COLUMNS = (
    "reckoner_line",
    "id",
    "name",
    "company_id",
    "amount",
    "status",
    "created_at",
    "paid_at",
    "reasons",
    "record",  # where the form was broken, its fields alone do not say what the file has
)


@etl.get("/runs", summary="ETL runs, newest first", responses={200: schemas.RunList})
def get_runs(query: schemas.RunQuery) -> Response:
    holder = current_holder()
    owner = None if holder.role.covers(Role.OPERATOR) else holder.owner
    with current_platform().db.connect() as connection:
        rows = list_runs(connection, limit=query.limit + 1, before=query.cursor, file_sha256=query.sha256, owner=owner)
    shown = rows[: query.limit]
    cursor = str(shown[-1].id) if len(rows) > query.limit else None
    return json_response({"data": [document(row) for row in shown], "next_cursor": cursor})


@etl.get("/runs/<run_id>", summary="One ETL run with the report of each stage", responses={200: schemas.RunDocument})
def get_run(path: schemas.RunPath) -> Response:
    return json_response(document(_run(path.run_id)))


@etl.get("/runs/<run_id>/rejects", summary="Rejected rows with all their reasons", responses={200: schemas.RejectList})
def get_rejects(path: schemas.RunPath, query: schemas.RejectQuery) -> Response:
    """As CSV or Excel they can be mended and loaded again as they are."""
    run = _run(path.run_id)
    if query.format != "json":
        name = f"{PurePath(run.file_name).stem}-rejects.{query.format}"
        pages = _all_rejects(run.load_id, query.reason)
        return (csv_response if query.format == "csv" else xlsx_response)(name, REJECT_COLUMNS, pages)
    with current_platform().db.connect() as connection:
        rows = rejects(connection, run.load_id, limit=query.limit + 1, reason=query.reason, after_line=query.cursor)
    shown = rows[: query.limit]
    found = {Reason(reason) for row in shown for reason in row.reasons}
    return json_response(
        {
            # SQLAlchemy calls a public thing so.
            "data": [{**row._mapping, "record": _text(row.record)} for row in shown],  # noqa: SLF001
            "meaning": {str(reason): MEANING[reason] for reason in Reason if reason in found},
            "next_cursor": shown[-1].line if len(rows) > query.limit else None,
        }
    )


def _text(record: bytes | None) -> str | None:
    return None if record is None else record.decode("utf-8", "replace").replace("\0", "\ufffd")


def _all_rejects(load_id: int, reason: str | None) -> Iterator[Sequence[Any]]:
    """Page by page, each on a connection of its own: a slow download holds none."""
    db = current_platform().db

    def pages() -> Iterator[Sequence[Any]]:
        line = 0
        while True:
            with db.connect() as connection:
                rows = rejects(connection, load_id, limit=_PAGE, reason=reason, after_line=line)
            yield [(*row[:-1], _text(row.record)) for row in rows]
            if len(rows) < _PAGE:
                return
            line = rows[-1].line

    return pages()


@etl.get("/runs/<run_id>/compare", summary="What a run changed", responses={200: schemas.ComparisonDocument})
def compare_runs(path: schemas.RunPath, query: schemas.CompareQuery) -> Response:
    """Against an earlier run, usually of the same file before it was mended."""
    later, earlier = _run(path.run_id), _run(query.other)
    with current_platform().db.connect() as connection:
        comparison = Comparison(connection, earlier.load_id, later.load_id, limit=query.limit)
        found = {
            "charges_added": comparison.charges_added(),
            "changed": comparison.changed(),
            "rejected_now": comparison.rejected_now(),
            "mended": comparison.rejected_before(),
        }
    differences = {
        name: {"count": count, "examples": [dict(row._mapping) for row in rows]}  # noqa: SLF001 - as above
        for name, (count, rows) in found.items()
    }
    return json_response({"run": str(later.id), "with": str(earlier.id), **differences})


def _run(run_id: UUID) -> EtlRun:
    with current_platform().db.connect() as connection:
        run = find_run(connection, run_id)
    if run is None or not sees(run.owner):
        raise NotFoundError(f"no ETL run {run_id}", run=str(run_id))
    return run


def document(run: EtlRun) -> dict[str, Any]:
    facts = {name: getattr(run, name) for name in schemas.RunDocument.model_fields if name != "staging_expires_at"}
    expires_at = run.updated_at + STAGING_KEPT if run.status == RunStatus.OPEN else None
    in_order = {name: run.stages[name] for name in (*_STAGES, *run.stages) if name in run.stages}
    return {**facts, "stages": in_order, "staging_expires_at": expires_at}
