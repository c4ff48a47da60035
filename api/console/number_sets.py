"""Number sets: what was taken out, what is missing, one winner for each number."""

from __future__ import annotations

from flask import Response, request, url_for

from api.console.asking import ask, may, tell
from api.console.once import once_from_form
from api.console.pages import console, go, show
from api.console.typed_values import read_number
from api.number_set import views
from api.number_set.schemas import (
    DEFAULT_MAXIMUM,
    CreateBody,
    HistoryQuery,
    NamedNumberPath,
    NamePath,
    RangesQuery,
    SetsQuery,
)
from api.problem import ProblemError
from core.errors import NotFoundError

_RANGES = 100
_ENTRIES = 50
_DRAWN = 1000  # numbers of a set that are small enough to be shown one by one


@console.get("/number-sets")
def number_sets() -> Response:
    """All by name; `?name=` opens one, new or old."""
    wanted = request.args.get("name", "").strip()
    if wanted:
        return go(url_for("console.number_set", name=wanted))
    return show("number_sets.html", page=ask(views.list_sets, query=SetsQuery(cursor=request.args.get("cursor", ""))))


@console.get("/number-sets/<name>")
def number_set(name: str) -> Response:
    path = NamePath(name=name)
    try:
        found = ask(views.get_set, path=path)
    except NotFoundError:
        return show("number_set_new.html", 404, name=name, maximum=DEFAULT_MAXIMUM, may_write=may(views.create_set))
    cursor = request.args.get("cursor", 1, type=int)
    ranges = ask(views.get_ranges, path=path, query=RangesQuery(limit=_RANGES, cursor=cursor))
    missing = (
        {number for each in ranges["data"] for number in range(each["first"], each["last"] + 1)}
        if found["max_number"] <= _DRAWN
        else set()
    )
    return show(
        "number_set.html",
        set=found,
        ranges=ranges,
        missing=missing,
        is_drawn=found["max_number"] <= _DRAWN and ranges["next_cursor"] is None and cursor == 1,
        errors=ask(views.get_set_errors, path=path),
        history=ask(views.get_set_history, path=path, query=_history_query()),
        number=request.args.get("number", type=int),
        said=request.args.get("said", ""),
        may_write=may(views.extract_from),
    )


def _history_query() -> HistoryQuery:
    asked = {"cursor": request.args.get("before", type=int), "number": request.args.get("number", type=int)}
    return HistoryQuery.model_validate({"limit": _ENTRIES, **asked})


@console.post("/number-sets/<name>/make")
def make_number_set(name: str) -> Response:
    body = CreateBody.model_validate({"max_number": read_number(request.form.get("max_number", ""))})
    tell(views.create_set, path=NamePath(name=name), body=body)
    return go(url_for("console.number_set", name=name))


@console.post("/number-sets/<name>/extract")
def extract_number(name: str) -> Response:
    number = request.form.get("number", "").strip()
    path = NamedNumberPath(name=name, number=number)
    try:
        answer = once_from_form(lambda: tell(views.extract_from, path=path))
    except ProblemError as error:
        return go(url_for("console.number_set", name=name, said=error.message))
    return go(url_for("console.number_set", name=name, said=answer["message"]))


@console.post("/number-sets/<name>/reset")
def reset_number_set(name: str) -> Response:
    tell(views.reset_set, path=NamePath(name=name))
    return go(url_for("console.number_set", name=name))
