"""The audit log: who did what that changed something other than a job's own timeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response
from flask_openapi import APIBlueprint, Tag

from api.audit import schemas
from api.auth import needs
from api.platform import current_platform
from api.responses import json_response
from api.spreadsheets import csv_response, xlsx_response
from core.clock import iso
from core.exact_json import dumps
from models import audit_entry
from models.api_key import Role
from models.session import Database

audit = APIBlueprint("audit", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Audit log", description=__doc__)])

_AT_ONCE = 5000
_COLUMNS = ("at", "actor", "role", "action", "target", "detail", "key_id", "request_id", "id")


@audit.get("/audit", summary="Who did what, newest first", responses={200: schemas.AuditList})
@needs(Role.OPERATOR)
def get_audit(query: schemas.AuditQuery) -> Response:
    wanted = audit_entry.Wanted(query.actor, query.action or (), query.target, query.after, query.before)
    db = current_platform().db
    if query.format == "csv":
        return csv_response("audit.csv", _COLUMNS, _pages(db, wanted, iso))
    if query.format == "xlsx":
        return xlsx_response("audit.xlsx", _COLUMNS, _pages(db, wanted, _as_sheets_know))
    with db.connect() as connection:
        rows = audit_entry.page(connection, wanted, limit=query.limit + 1, older_than=query.cursor)
    shown = [row._asdict() for row in rows[: query.limit]]
    return json_response({"data": shown, "next_cursor": shown[-1]["id"] if len(rows) > query.limit else None})


def _as_sheets_know(moment: datetime) -> datetime:
    """Sheets know no zones; all times are UTC."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _pages(db: Database, wanted: audit_entry.Wanted, moment: Any) -> Iterator[Sequence[Sequence[Any]]]:
    """Every page on a connection of its own: a slow download holds none."""
    place = None
    while True:
        with db.connect() as connection:
            rows = audit_entry.page(connection, wanted, limit=_AT_ONCE, older_than=place)
        yield [_cells(row._asdict(), moment) for row in rows]
        if len(rows) < _AT_ONCE:
            return
        place = rows[-1].id


def _cells(entry: dict[str, Any], moment: Any) -> list[Any]:
    detail = dumps(entry["detail"]).decode() if entry["detail"] else None
    key_id = str(entry["key_id"]) if entry["key_id"] else None
    facts = {**entry, "id": str(entry["id"]), "key_id": key_id, "at": moment(entry["at"]), "detail": detail}
    return [facts[name] for name in _COLUMNS]
