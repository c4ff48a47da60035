"""Items: written by people or brought in by the sync, listed from a cache that is never behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from flask import Response, current_app
from flask_openapi import APIBlueprint, Tag
from sqlalchemy import Connection

from api.audit.recording import audited, changing
from api.idempotency import Answer, once
from api.items.schemas import ItemBody, ItemDocument, ItemList, ItemPath, ItemQuery, item_document
from api.platform import current_platform
from api.problem import ProblemError
from api.responses import json_response
from core.cache import CacheState, FreshCache, keys_of
from core.clock import now
from core.exact_json import dumps
from models import item
from tasks.items_cache import KEPT, items_cache

items = APIBlueprint("items", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Items", description=__doc__)])


def cache() -> FreshCache:
    """One for the process: it remembers for a moment that Redis is away."""
    platform, extensions = current_platform(), current_app.extensions
    if "reckoner_items_cache" not in extensions:
        extensions.setdefault("reckoner_items_cache", items_cache(platform.redis, platform.db))
    return cast("FreshCache", extensions["reckoner_items_cache"])


def no_such_item() -> ProblemError:
    return ProblemError(404, "not_found", "Item not found")


@items.get("/items", summary="List items, newest first", responses={200: ItemList})
def list_items(query: ItemQuery) -> Response:
    """`X-Cache` says where it came from: HIT, MISS, or BYPASS while Redis is away."""
    found = cache().look_up(keys_of(query.model_dump()))
    if found.state is CacheState.HIT:
        return _listed(found.body, found.state)
    document = _read(query)
    cache().keep(found, dumps({**document, "cached": True}))
    return _listed(dumps(document), found.state)


def _listed(body: bytes, state: CacheState) -> Response:
    return Response(body, 200, {"X-Cache": str(state)}, content_type="application/json")


def _read(query: ItemQuery) -> dict[str, Any]:
    read_at = now()
    with current_platform().db.connect() as connection:
        rows = item.page(connection, limit=query.limit + 1, before=query.cursor, title=query.title)
        total = item.count(connection, title=query.title)
    shown = [item_document(row) for row in rows[: query.limit]]
    return {
        "data": shown,
        "items": shown,
        "count": len(shown),
        "total": total,
        "next_cursor": shown[-1]["id"] if len(rows) > query.limit else None,
        "cached": False,
        "cache_expires_at": read_at + timedelta(seconds=KEPT),
        "timestamp": read_at,
    }


@items.post("/items", summary="Add an item", responses={201: ItemDocument})
def add_item(body: ItemBody) -> Response:
    def add(connection: Connection) -> Answer:
        added = item.add(connection, body.title, body.description)
        return Answer(201, dumps(item_document(added)), {"Location": f"/api/v1/items/{added.id}"})

    response = once(add)
    cache().changed()
    return response


@items.get("/items/<item_id>", summary="One item", responses={200: ItemDocument})
def get_item(path: ItemPath) -> Response:
    with current_platform().db.connect() as connection:
        found = item.find(connection, path.item_id)
    if found is None:
        raise no_such_item()
    return json_response(item_document(found))


@items.put("/items/<item_id>", summary="Rewrite an item", responses={200: ItemDocument})
@audited("item.rewritten", of="item_id")
def put_item(path: ItemPath, body: ItemBody) -> Response:
    """An omitted description becomes null."""
    with changing() as connection:
        changed = item.change(connection, path.item_id, title=body.title, description=body.description)
    if changed is None:
        raise no_such_item()
    cache().changed()
    return json_response(item_document(changed))


@items.delete("/items/<item_id>", summary="Delete an item", responses={204: None})
@audited("item.deleted", of="item_id")
def delete_item(path: ItemPath) -> Response:
    with changing() as connection:
        if not item.remove(connection, path.item_id):
            raise no_such_item()
    cache().changed()
    return Response(status=204)
