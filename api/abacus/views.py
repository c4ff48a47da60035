"""Running sums: add, read, reset, and the history that explains them."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_openapi import APIBlueprint, Tag

from api.abacus import schemas
from api.abacus.schemas import DEFAULT
from api.abacus.service import current_sums
from api.abacus.statement import statement
from api.audit.recording import audited
from api.owned_key import owned_key
from api.platform import current_holder, current_platform
from api.responses import json_response
from core.clock import iso
from core.running_sum import Answer, checked_name, drain
from models import running_sum_entry as entries

abacus = APIBlueprint("abacus", __name__, abp_tags=[Tag(name="Running sums", description=__doc__)])


@abacus.post("/abacus/number", summary="Add to the sum", responses={200: schemas.AddedDocument})
def add_number(body: schemas.AddBody) -> Response:
    """Exact whatever adds at the same time; with `Idempotency-Key` applied once."""
    return _add(DEFAULT, body.number)


@abacus.get("/abacus/sum", summary="The sum", responses={200: schemas.SumDocument})
def get_sum() -> Response:
    return _read(DEFAULT)


@abacus.delete("/abacus/sum", summary="Set the sum to 0", responses={200: schemas.SumResetDocument})
@audited("sum.reset", target=DEFAULT)
def reset_sum() -> Response:
    return _reset(DEFAULT)


@abacus.get("/api/v1/abacus", summary="All sums by name", responses={200: schemas.NamesDocument})
def list_sums(query: schemas.NamesQuery) -> Response:
    platform = current_platform()
    drain(platform.redis, current_sums().history, wait=True)
    with platform.db.connect() as connection:
        names = entries.names(connection, after=query.cursor, limit=query.limit + 1)
    more = names[query.limit - 1] if len(names) > query.limit else None
    return json_response({"data": names[: query.limit], "next_cursor": more})


@abacus.post("/api/v1/abacus/<name>", summary="Add to a named sum", responses={200: schemas.AddedDocument})
def add_to(path: schemas.NamePath, body: schemas.AddBody) -> Response:
    """A sum begins at 0 with its first add."""
    return _add(path.name, body.number)


@abacus.get("/api/v1/abacus/<name>", summary="A named sum", responses={200: schemas.SumDocument})
def get_named(path: schemas.NamePath) -> Response:
    return _read(path.name)


@abacus.delete("/api/v1/abacus/<name>", summary="Set a named sum to 0", responses={200: schemas.SumResetDocument})
@audited("sum.reset", of="name")
def reset_named(path: schemas.NamePath) -> Response:
    """The history stays, and says who added what before."""
    return _reset(path.name)


@abacus.get(
    "/api/v1/abacus/<name>/history", summary="Adds and resets, newest first", responses={200: schemas.HistoryDocument}
)
def get_history(path: schemas.NamePath, query: schemas.HistoryQuery) -> Response:
    platform, name = current_platform(), checked_name(path.name)
    if query.cursor is None:
        drain(platform.redis, current_sums().history, wait=True)
    with platform.db.connect() as connection:
        rows = entries.page(connection, name, before=query.cursor, limit=query.limit)
    data = [
        {
            "sequence": row.seq,
            "kind": row.kind,
            "amount": row.amount,
            "sum": row.sum,
            "at": iso(row.at),
            "actor": row.actor,
            "node_id": row.node_id,
            "idempotency_key": row.idempotency_key,
        }
        for row in rows
    ]
    more = rows[-1].seq if len(rows) == query.limit and rows[-1].seq > 1 else None
    return json_response({"name": name, "data": data, "next_cursor": more})


@abacus.get(
    "/api/v1/abacus/<name>/statement",
    summary="The sum, explained by its history",
    responses={200: schemas.StatementDocument},
)
def get_statement(path: schemas.NamePath, query: schemas.StatementQuery) -> Response:
    """Replays the history entry by entry, from the last reset on, up to the sum as it is now."""
    platform = current_platform()
    name = checked_name(path.name)
    return json_response(statement(current_sums(), platform.db, platform.redis, name, query.after))


def _add(name: str, number: int) -> Response:
    answer = current_sums().sums.add(name, number, owned_key(), actor=current_holder().owner)
    return _answered(answer, {"new_sum": answer.sum, "sum": answer.sum, "added": number})


def _read(name: str) -> Response:
    answer = current_sums().sums.read(name)
    return _answered(answer, {"sum": answer.sum})


def _reset(name: str) -> Response:
    answer = current_sums().sums.reset(name, owned_key(), actor=current_holder().owner)
    return _answered(answer, {"message": "Sum successfully reset to 0", "sum": answer.sum})


def _answered(answer: Answer, facts: dict[str, Any]) -> Response:
    headers = {"Idempotent-Replayed": "true"} if answer.is_replay else None
    return json_response({**facts, "timestamp": iso(answer.at), "node_id": answer.node_id}, headers=headers)
