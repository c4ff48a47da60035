"""The audit log for people: who did what, to what, when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, request, url_for

from api.audit import schemas, views
from api.audit.recording import ACTIONS
from api.auth import needs
from api.console.asking import ask
from api.console.pages import console, show
from api.console.shown_value import plain
from core.clock import now
from models.api_key import Role

_PAGE = 50
_PERIODS = ((1, "one day"), (7, "7 days"), (30, "30 days"), (365, "a year"))
_ASKED = ("actor", "action", "target")


@console.get("/audit")
@needs(Role.OPERATOR)
def audit() -> Response:
    asked = {name: request.args.get(name, "") for name in (*_ASKED, "days")}
    where: dict[str, Any] = {name: value for name, value in asked.items() if value}
    query = _query("json")
    return show(
        "audit.html",
        page=ask(views.get_audit, query=query),
        cursor=query.cursor,
        asked=asked,
        where=where,
        actions=sorted(ACTIONS),
        details=_details,
        periods=_PERIODS,
        export={kind: url_for("console.audit_file", kind=kind, **where) for kind in ("csv", "xlsx")},
    )


@console.get("/audit.<any(csv, xlsx):kind>")
@needs(Role.OPERATOR)
def audit_file(kind: str) -> Response:
    response: Response = views.get_audit(query=_query(kind))
    return response


def _details(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """What somebody asked for and what came of it; an option that was not taken says nothing."""
    return [(name, plain(value).text) for name, value in (entry["detail"] or {}).items() if value is not False]


def _query(kind: str) -> schemas.AuditQuery:
    days = request.args.get("days", type=int)
    named = {name: request.args.get(name) or None for name in ("actor", "target", "cursor")}
    action = request.args.get("action")
    facts = {"after": now() - timedelta(days=days) if days and 0 < days <= _PERIODS[-1][0] else None, "limit": _PAGE}
    return schemas.AuditQuery.model_validate({**named, **facts, "action": [action] if action else None, "format": kind})
