"""The list of jobs: filter, watch, choose, act on all that match, export."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, request, url_for

from api.console import export
from api.console.asking import ask, may, tell
from api.console.filter_bar import Wanted, understood
from api.console.pages import console, go, is_htmx, show
from api.console.wording import sentence
from api.jobs import views
from api.jobs.schemas import BulkBody, Filter, ListQuery
from api.platform import current_holder, current_platform
from core.errors import InvalidInputError
from models.api_key import Role
from models.job import FINAL, JobStatus

_PAGE = 50
_ACTIONS = {"cancel": views.cancel_jobs, "retry": views.retry_jobs}
QUICK = (
    ("All", ""),
    ("Open", "status:open"),
    ("Failed", "status:failed"),
    ("Mine", "owner:me"),
    ("Last 24 hours", "age<1d"),
)


def wanted(text: str) -> Wanted:
    kinds = [kind.name for kind in current_platform().registry]
    return understood(text, me=current_holder().owner, kinds=kinds)


def listed(text: str, cursor: UUID | None = None, limit: int = _PAGE) -> dict[str, Any]:
    """A page of jobs for the text of the filter bar."""
    query = ListQuery(**wanted(text).fields, cursor=cursor, limit=limit)
    found: dict[str, Any] = ask(views.list_jobs, query=query)
    return found


def address(text: str, **more: Any) -> str:
    """The list's own address, with its filter."""
    facts = {"q": text, **more}
    query = urlencode({name: value for name, value in facts.items() if value})
    return url_for("console.jobs") + (f"?{query}" if query else "")


@console.get("/jobs")
def jobs() -> Response:
    text = request.args.get("q", "").strip()
    try:
        named = wanted(text).job_id
    except InvalidInputError as error:
        return _shown(text, {"data": [], "next_cursor": None}, None, trouble=sentence(error.message))
    if named is not None:
        return go(url_for("console.job", job_id=named))
    cursor = request.args.get("cursor", type=UUID)
    return _shown(text, listed(text, cursor), cursor)


def _shown(text: str, page: dict[str, Any], cursor: UUID | None, trouble: str = "") -> Response:
    # The first page lives; a page further back would only shift under the reader's eyes.
    live = address(text) if cursor is None and not trouble else ""
    facts: dict[str, Any] = {
        "text": text,
        "page": page,
        "live": live,
        "cursor": cursor,
        "trouble": trouble,
        "older": address(text, cursor=page["next_cursor"]) if page["next_cursor"] else "",
        "newest": address(text),
        "quick": [(title, words, address(words)) for title, words in QUICK],
        "shows_owner": current_holder().role.covers(Role.OPERATOR),
        "may_act": may(views.cancel_jobs),
        "export": {kind: url_for("console.jobs_export", kind=kind, q=text or None) for kind in ("csv", "xlsx")},
    }
    if is_htmx() and request.args.get("part") == "rows":
        return show("jobs_rows.html", **facts)
    return show("jobs.html", 422 if trouble else 200, **facts)


@console.get("/jobs.<any(csv, xlsx):kind>")
def jobs_export(kind: str) -> Response:
    """All jobs that match, newest first, as a table for a spreadsheet."""
    return export.answer(kind, listed, request.args.get("q", "").strip())


@console.post("/jobs/act")
def act() -> Response:
    """Cancel or retry: first what would happen to how many, then, once confirmed, the deed."""
    form = request.form
    action = form.get("action", "")
    if action not in _ACTIONS:
        raise InvalidInputError("choose what to do with these jobs: cancel or retry")
    text = form.get("q", "").strip()
    is_all = form.get("scope") == "all"
    ids = form.getlist("ids", type=UUID)
    if not is_all and not ids:
        raise InvalidInputError("no job is chosen; tick some in the list, or choose all that match")
    chosen = Filter(**wanted(text).fields) if is_all else Filter(ids=ids)
    is_confirmed = form.get("confirmed") == "yes"
    body = BulkBody(filter=chosen, reason=form.get("reason") or None, dry_run=not is_confirmed)
    answer = tell(_ACTIONS[action], body=body)
    facts = {"action": action, "text": text, "is_all": is_all, "ids": ids, "answer": answer, "back": address(text)}
    if is_confirmed:
        return show("jobs_acted.html", **facts, left=max(answer["matched"] - answer["acted"], 0))
    ended = [str(status) for status in FINAL]
    waiting = [str(status) for status in JobStatus if status not in FINAL]
    return show("jobs_confirm.html", **facts, statuses=ended if action == "retry" else waiting)
