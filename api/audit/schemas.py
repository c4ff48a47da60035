"""What is asked of the audit log, and what it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from api.moments import Moment
from api.query import Query

Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class AuditQuery(Query):
    actor: Word | None = Field(None, description="Who did it: an owner.")
    action: list[Word] | None = Field(None, description="What was done, such as queue.paused; repeat for several.")
    target: Word | None = Field(None, description="What it was done to: a name or an id.")
    after: Moment | None = None
    before: Moment | None = None
    limit: int = Field(100, ge=1, le=500, description="JSON only: CSV and Excel have all of it.")
    cursor: UUID | None = Field(None, description="`next_cursor` of the page before.")
    format: Literal["json", "csv", "xlsx"] = "json"


class AuditDocument(BaseModel):
    id: UUID
    at: datetime
    actor: str
    role: str | None
    key_id: UUID | None = Field(description="With which key; null on a machine that asks for none.")
    action: str
    target: str | None
    detail: dict[str, Any] | None = Field(description="What was asked for, and what came of it.")
    request_id: str | None


class AuditList(BaseModel):
    data: list[AuditDocument]
    next_cursor: UUID | None
