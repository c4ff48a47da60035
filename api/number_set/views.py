"""Number sets: extract numbers, and know which are missing."""

from __future__ import annotations

import time

from flask import Response
from flask_openapi import APIBlueprint, Tag

from api.audit.recording import audited
from api.number_set import schemas
from api.number_set.schemas import DEFAULT
from api.number_set.service import counted, current_service, current_sets, number_from
from api.owned_key import owned_key
from api.platform import current_holder, current_platform
from api.responses import json_response
from core.clock import iso, now
from core.errors import InvalidInputError
from core.journal import drain
from core.number_set import JOURNAL, SetFacts, checked_name
from models import number_set_entry as entries

number_set = APIBlueprint("number_set", __name__, abp_tags=[Tag(name="Number sets", description=__doc__)])

_MOST_LISTED = 1000
_ALL = "/api/v1/number-sets"
_V1 = f"{_ALL}/<name>"


@number_set.post("/extract/<number>", summary="Extract a number", responses={200: schemas.ExtractedDocument})
def extract(path: schemas.NumberPath) -> Response:
    """Of many who extract the same number, whatever the node, exactly one succeeds."""
    return _extract(DEFAULT, path.number)


@number_set.get("/missing", summary="The one missing number", responses={200: schemas.MissingDocument})
def get_missing() -> Response:
    """From the sum of the numbers left: n(n + 1) / 2 less that sum, whatever the size of the set."""
    began = time.perf_counter()
    with counted(DEFAULT) as sets:
        missing = sets.facts(DEFAULT).missing_number()
    return json_response(
        {
            "missing_number": missing,
            "calculation_method": "mathematical_sum",
            "execution_time_ms": round((time.perf_counter() - began) * 1000, 3),
            "extracted_numbers": [missing],
        }
    )


@number_set.get("/status", summary="What is left of the set", responses={200: schemas.StatusDocument})
def get_status() -> Response:
    facts, ranges = current_sets().missing_ranges(DEFAULT, limit=_MOST_LISTED)
    return json_response(
        {
            "total_numbers": facts.max_number,
            "remaining_count": facts.remaining_count,
            "extracted_count": facts.extracted_count,
            "extracted_numbers": [n for first, last in ranges for n in range(first, last + 1)],
            "is_complete": facts.extracted_count == 0,
            "can_find_missing": facts.extracted_count == 1,
        }
    )


@number_set.post("/reset", summary="Put all numbers back", responses={200: schemas.SetResetDocument})
@audited("number_set.reset", target=DEFAULT)
def reset() -> Response:
    return _reset(DEFAULT)


@number_set.get("/errors/summary", summary="Refusals by code", responses={200: schemas.ErrorsDocument})
def get_errors() -> Response:
    return _errors(DEFAULT)


@number_set.get(_ALL, summary="All number sets by name", responses={200: schemas.SetsDocument})
def list_sets(query: schemas.SetsQuery) -> Response:
    found, more = current_sets().page(after=query.cursor, limit=query.limit)
    return json_response({"data": [_document(name, facts) for name, facts in found], "next_cursor": more})


@number_set.put(_V1, summary="Make a named set", responses={200: schemas.SetDocument, 201: schemas.SetDocument})
def create_set(path: schemas.NamePath, body: schemas.CreateBody) -> Response:
    """201 when it is new, 200 when it was there with the same maximum, 409 when it has another."""
    is_new = current_sets().create(path.name, body.max_number, actor=current_holder().owner)
    return json_response(_document(path.name, current_sets().facts(path.name)), 201 if is_new else 200)


@number_set.get(_V1, summary="A named set", responses={200: schemas.SetDocument})
def get_set(path: schemas.NamePath) -> Response:
    return json_response(_document(path.name, current_sets().facts(path.name)))


@number_set.delete(_V1, summary="Forget a named set", responses={204: None})
@audited("number_set.deleted", of="name")
def delete_set(path: schemas.NamePath) -> Response:
    if path.name == DEFAULT:
        raise InvalidInputError("the default set stays; POST /reset puts its numbers back", field="name")
    current_sets().delete(path.name, actor=current_holder().owner)
    return Response(status=204)


@number_set.post(
    f"{_V1}/extract/<number>", summary="Extract from a named set", responses={200: schemas.ExtractedDocument}
)
def extract_from(path: schemas.NamedNumberPath) -> Response:
    return _extract(path.name, path.number)


@number_set.get(f"{_V1}/missing", summary="All missing numbers as ranges", responses={200: schemas.RangesDocument})
def get_ranges(path: schemas.NamePath, query: schemas.RangesQuery) -> Response:
    """In order and in pages; the counts are of the whole set."""
    facts, ranges = current_sets().missing_ranges(path.name, start=query.cursor, limit=query.limit)
    more = ranges[-1][1] + 1 if len(ranges) == query.limit and ranges[-1][1] < facts.max_number else None
    return json_response(
        {
            "name": path.name,
            "missing_count": facts.extracted_count,
            "missing_range_count": facts.range_count,
            "data": [{"first": first, "last": last, "count": last - first + 1} for first, last in ranges],
            "next_cursor": more,
        }
    )


@number_set.post(f"{_V1}/reset", summary="Put all numbers back", responses={200: schemas.SetResetDocument})
@audited("number_set.reset", of="name")
def reset_set(path: schemas.NamePath) -> Response:
    return _reset(path.name)


@number_set.get(f"{_V1}/errors/summary", summary="Refusals by code", responses={200: schemas.ErrorsDocument})
def get_set_errors(path: schemas.NamePath) -> Response:
    current_sets().facts(path.name)
    return _errors(path.name)


@number_set.get(
    f"{_V1}/history", summary="Who extracted and reset what, newest first", responses={200: schemas.SetHistoryDocument}
)
def get_set_history(path: schemas.NamePath, query: schemas.HistoryQuery) -> Response:
    """It outlives a reset, and the set."""
    platform, name = current_platform(), checked_name(path.name)
    if query.cursor is None:
        drain(platform.redis, JOURNAL, current_service().history, wait=True)
    with platform.db.connect() as connection:
        rows = entries.page(connection, name, before=query.cursor, number=query.number, limit=query.limit + 1)
    if not rows:
        _known_or_remembered(name)
    data = [
        {
            "sequence": row.seq,
            "kind": row.kind,
            "number": row.number,
            "extracted_count": row.extracted_count,
            "at": iso(row.at),
            "actor": row.actor,
            "node_id": row.node_id,
            "idempotency_key": row.idempotency_key,
        }
        for row in rows[: query.limit]
    ]
    more = data[-1]["sequence"] if len(rows) > query.limit else None
    return json_response({"name": name, "data": data, "next_cursor": more})


def _known_or_remembered(name: str) -> None:
    """404 for a set that there never was."""
    with current_platform().db.connect() as connection:
        if not entries.page(connection, name, before=None, number=None, limit=1):
            current_sets().facts(name)


def _extract(name: str, text: str) -> Response:
    with counted(name) as sets:
        taken = sets.extract(name, number_from(text), owned_key(), actor=current_holder().owner)
    return json_response(
        {
            "success": True,
            "message": f"Successfully extracted number {taken.number}",
            "extracted_number": taken.number,
            "remaining_count": taken.remaining_count,
        },
        headers={"Idempotent-Replayed": "true"} if taken.is_replay else None,
    )


def _reset(name: str) -> Response:
    facts = current_sets().reset(name, actor=current_holder().owner)
    return json_response(
        {
            "success": True,
            "message": f"Set reset to all {facts.max_number} numbers",
            "total_numbers": facts.max_number,
        }
    )


def _errors(name: str) -> Response:
    counts = current_sets().error_counts(name)
    return json_response({"total_errors": sum(counts.values()), "errors_by_code": counts, "timestamp": iso(now())})


def _document(name: str, facts: SetFacts) -> dict[str, object]:
    return {
        "name": name,
        "max_number": facts.max_number,
        "remaining_count": facts.remaining_count,
        "extracted_count": facts.extracted_count,
        "missing_range_count": facts.range_count,
        "missing_number": facts.missing_number() if facts.extracted_count == 1 else None,
        "is_complete": facts.extracted_count == 0,
        "can_find_missing": facts.extracted_count == 1,
    }
