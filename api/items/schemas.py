"""What clients send and get about items."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from api.query import Query

LARGEST_ID = 2**63 - 1


class ItemPath(BaseModel):
    item_id: int = Field(ge=-LARGEST_ID, le=LARGEST_ID, description="An item's number.")


class ItemBody(BaseModel):
    title: str = Field(min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")
    description: str | None = Field(None, max_length=100_000, pattern=r"^[^\x00]*$", description="Omitted: null.")


class ItemQuery(Query):
    title: str | None = Field(None, max_length=200, pattern=r"^[^\x00]*$", description="Only titles that contain this.")
    limit: int = Field(100, ge=1, le=1000)
    cursor: int | None = Field(None, ge=1, le=LARGEST_ID, description="`next_cursor` of the page before.")


class ItemDocument(BaseModel):
    id: int
    title: str
    description: str | None
    external_data: str | None = Field(description="The post of the same number, as JSON text, once fetched.")
    created_at: datetime
    updated_at: datetime
    external_id: int | None = Field(None, description="Only items that came with a sync have these.")
    body: str | None = None
    user_id: int | None = None


class ItemList(BaseModel):
    data: list[ItemDocument]
    items: list[ItemDocument] = Field(description="The same as `data`.")
    count: int = Field(description="Items on this page.")
    total: int = Field(description="Items on all pages.")
    next_cursor: int | None
    cached: bool
    cache_expires_at: datetime
    timestamp: datetime = Field(description="When the list was read from the database.")


def item_document(row: Any) -> dict[str, Any]:
    """An item as clients see it; what only synced ones have is shown only with them."""
    shown = {name: getattr(row, name) for name in ("id", "title", "description", "external_data")}
    shown |= {"created_at": row.created_at, "updated_at": row.updated_at}
    if row.external_id is not None:
        shown |= {"external_id": row.external_id, "body": row.body, "user_id": row.user_id}
    return shown
