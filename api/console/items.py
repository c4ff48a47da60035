"""Items: find, add, change, delete, bring in from the outside API."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from api.auth import needs
from api.breakers.views import BreakerPath, list_breakers, reset_breaker
from api.console.asking import ask, may, tell
from api.console.once import once_from_form
from api.console.pages import console, go, show
from api.items import views
from api.items.schemas import ItemBody, ItemPath, ItemQuery
from api.sync.views import sync_now
from api.waiting import WAIT
from models.api_key import Role

_PAGE = 50


@console.get("/items")
def items() -> Response:
    title = request.args.get("q", "").strip()
    query = ItemQuery(title=title or None, limit=_PAGE, cursor=request.args.get("cursor", type=int))
    return show(
        "items.html",
        page=ask(views.list_items, query=query),
        text=title,
        breakers=ask(list_breakers)["data"],
        may_write=may(views.add_item),
        may_reset=may(reset_breaker),
    )


@console.get("/items/new")
@needs(Role.SUBMITTER)
def new_item() -> Response:
    return show("item.html", item=None, may_write=True)


@console.post("/items/new")
@needs(Role.SUBMITTER)
def add_item() -> Response:
    body = _typed()
    added = once_from_form(lambda: tell(views.add_item, body=body))
    return go(url_for("console.item", item_id=added["id"]))


@console.get("/items/<int:item_id>")
def item(item_id: int) -> Response:
    found = ask(views.get_item, path=ItemPath(item_id=item_id))
    return show("item.html", item=found, may_write=may(views.put_item))


@console.post("/items/<int:item_id>")
def change_item(item_id: int) -> Response:
    tell(views.put_item, path=ItemPath(item_id=item_id), body=_typed())
    return go(url_for("console.item", item_id=item_id))


@console.post("/items/<int:item_id>/delete")
def delete_item(item_id: int) -> Response:
    tell(views.delete_item, path=ItemPath(item_id=item_id))
    return go(url_for("console.items"))


def _typed() -> ItemBody:
    form = request.form
    return ItemBody(title=form.get("title", ""), description=form.get("description") or None)


@console.post("/items/sync")
def sync_items() -> Response:
    """To the job: people watch it rather than wait for it."""
    answer: Any = once_from_form(lambda: tell(sync_now))
    request.environ.pop(WAIT, None)
    return go(url_for("console.job", job_id=answer["job_id"]))


@console.post("/breakers/<name>/reset")
def reset_item_breaker(name: str) -> Response:
    tell(reset_breaker, path=BreakerPath(name=name))
    return go(url_for("console.items"))
