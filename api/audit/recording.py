"""The one place where the audit log is written: a view says what it does, and the entry is kept with what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

import structlog
from flask import Response, g, request
from pydantic import BaseModel
from sqlalchemy import Connection

from api.platform import current_holder, current_platform
from core.clock import uuid7
from models import audit_entry
from models.audit_entry import Act
from tasks.base import DATABASE_DOWN

logger = structlog.get_logger()

View = TypeVar("View", bound=Callable[..., Response])

_LATELY = timedelta(minutes=1)
ACTIONS: set[str] = {"sign_in.refused"}  # each view adds its own as it is defined


def audited(action: str, *, of: str | None = None, target: str | None = None) -> Callable[[View], View]:
    """Note whatever this view does well, whoever calls it. `of` is the field of its path that names the target.

    What the view does in `changing()` or `once()` is one transaction with the entry. What it does in Redis is noted
    right after: should Postgres be away then, the log has the entry, because the act cannot be taken back.
    """
    ACTIONS.add(action)

    def mark(view: View) -> View:
        @wraps(view)
        def noted(**arguments: Any) -> Response:
            named = str(getattr(arguments["path"], of)) if of else target
            g.act = _act(action, named, _said(arguments.get("body")))
            response = view(**arguments)
            act: Act | None = g.pop("act", None)
            if act is not None and response.status_code < 400 and "Idempotent-Replayed" not in response.headers:  # noqa: PLR2004
                _write_apart(act)
            return response

        noted.audited_as = action  # type: ignore[attr-defined]  # what the tests' table of routes reads
        return cast("View", noted)

    return mark


@contextmanager
def changing() -> Iterator[Connection]:
    """A transaction for what an audited view changes, and for its entry."""
    with current_platform().db.transaction() as connection:
        yield connection
        write_down(connection)


def write_down(connection: Connection) -> None:
    """Add what this request's view is doing to the transaction that does it."""
    act: Act | None = g.pop("act", None)
    if act is not None:
        audit_entry.add(connection, act)


def note(target: Any = None, **facts: Any) -> None:
    """Facts that only the view knows."""
    act: Act | None = g.get("act")
    if act is not None:
        act.target = str(target) if target is not None else act.target
        act.detail |= facts


def nothing_changed() -> None:
    """The view found everything as it was asked to make it."""
    g.pop("act", None)


def note_refused_sign_in() -> None:
    """Strangers cause these, so each address is noted once a minute at most."""
    act = _act("sign_in.refused", request.remote_addr or "unknown", {})
    with current_platform().db.connect() as connection:
        audit_entry.add_unless_lately(connection, act, _LATELY)


def _act(action: str, target: str | None, detail: dict[str, Any]) -> Act:
    holder = current_holder()
    return Act(
        uuid7(),
        holder.owner,
        action,
        target,
        role=str(holder.role),
        key_id=holder.key_id,
        request_id=g.get("request_id"),
        detail=detail,
    )


def _said(body: BaseModel | None) -> dict[str, Any]:
    return body.model_dump(mode="json", exclude_none=True) if body is not None else {}


def _write_apart(act: Act) -> None:
    try:
        with current_platform().db.connect() as connection:
            audit_entry.add(connection, act)
    except DATABASE_DOWN:
        facts = {"actor": act.actor, "action": act.action, "target": act.target, "detail": act.detail}
        logger.exception("audit_entry_not_kept", **facts)
