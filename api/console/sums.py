"""Running sums: the sum, its history, and whether the history explains it."""

from __future__ import annotations

from flask import Response, request, url_for

from api.abacus import views
from api.abacus.schemas import DEFAULT, AddBody, HistoryQuery, NamePath, NamesQuery, StatementQuery
from api.console.asking import ask, may, tell
from api.console.once import once_from_form
from api.console.pages import console, go, show
from api.console.typed_values import read_number

_ENTRIES = 50


@console.get("/sums")
def sums() -> Response:
    """All by name; `?name=` opens one, new or old."""
    wanted = request.args.get("name", "").strip()
    if wanted:
        return go(url_for("console.running_sum", name=wanted))
    page = ask(views.list_sums, query=NamesQuery(cursor=request.args.get("cursor", "")))
    names = page["data"] if request.args.get("cursor") else sorted({DEFAULT, *page["data"]})
    found = [{"name": name, **ask(views.get_named, path=NamePath(name=name))} for name in names]
    return show("sums.html", sums=found, next_cursor=page["next_cursor"])


@console.get("/sums/<name>")
def running_sum(name: str) -> Response:
    path = NamePath(name=name)
    cursor = request.args.get("cursor", type=int)
    return show(
        "sum.html",
        name=name,
        sum=ask(views.get_named, path=path),
        history=ask(views.get_history, path=path, query=HistoryQuery(limit=_ENTRIES, cursor=cursor)),
        cursor=cursor,
        statement=ask(views.get_statement, path=path, query=StatementQuery(after=None)),
        may_write=may(views.add_to),
    )


@console.post("/sums/<name>/add")
def add_to_sum(name: str) -> Response:
    body = AddBody.model_validate({"number": read_number(request.form.get("number", ""))})
    once_from_form(lambda: tell(views.add_to, path=NamePath(name=name), body=body))
    return go(url_for("console.running_sum", name=name))


@console.post("/sums/<name>/reset")
def reset_sum(name: str) -> Response:
    once_from_form(lambda: tell(views.reset_named, path=NamePath(name=name)))
    return go(url_for("console.running_sum", name=name))
