"""What the running sums are asked and what they answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

DEFAULT = "default"  # the sum that the older routes mean
_EXACT = 2**53


def _whole(value: Any) -> int:
    """An integer as JSON has it; 5.0 is 5. What only looks like one is refused, not converted."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, float):
        raise ValueError("must be an integer")  # noqa: TRY004  # pydantic turns ValueError into a named field
    if not value.is_integer():
        raise ValueError("must be an integer: it has a fraction, or is infinite")
    if abs(value) >= _EXACT:  # From here on two texts may have become one double.
        raise ValueError("from 2 to the 53 on an integer must be written in full, without point and exponent")
    return int(value)


Whole = Annotated[int, BeforeValidator(_whole)]


class AddBody(BaseModel):
    number: Whole = Field(description="An integer; 5.0 is 5.")


class NamePath(BaseModel):
    name: str = Field(description="A sum's name: lower-case letters, digits, `.`, `_` and `-`.")


class AddedDocument(BaseModel):
    new_sum: int
    sum: int
    added: int
    timestamp: datetime
    node_id: str


class SumDocument(BaseModel):
    sum: int
    timestamp: datetime
    node_id: str


class SumResetDocument(SumDocument):
    message: str


class HistoryQuery(BaseModel):
    limit: int = Field(100, ge=1, le=1000, description="Most entries of an answer.")
    cursor: int | None = Field(None, ge=1, le=2**53, description="`next_cursor` of the answer before.")


class EntryDocument(BaseModel):
    sequence: int
    kind: str
    amount: int
    sum: int
    at: datetime
    actor: str | None = Field(description="Who asked; unknown for entries that are older than this field.")
    node_id: str
    idempotency_key: str | None


class HistoryDocument(BaseModel):
    name: str
    data: list[EntryDocument]
    next_cursor: int | None


class StatementQuery(BaseModel):
    after: int | None = Field(
        None,
        ge=0,
        le=2**53,
        description="Replay what follows this sequence, 0 for all; default: the last reset.",
    )


class OpeningDocument(BaseModel):
    sequence: int
    sum: int
    at: datetime | None


class StatementDocument(BaseModel):
    name: str
    sum: int
    sequence: int
    opening: OpeningDocument
    entries: int
    adds: int
    added: int
    resets: int
    restores: int
    replayed_sum: int
    breaks: int
    explained: bool
    timestamp: datetime
    node_id: str


class NamesQuery(BaseModel):
    limit: int = Field(100, ge=1, le=1000, description="Most names of an answer.")
    cursor: str = Field("", max_length=64, description="`next_cursor` of the answer before.")


class NamesDocument(BaseModel):
    data: list[str]
    next_cursor: str | None
