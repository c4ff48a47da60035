"""What the number sets are asked and what they answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from core.number_set import HIGHEST_MAXIMUM

DEFAULT = "default"  # the set that the older routes mean
DEFAULT_MAXIMUM = 100


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be an integer")  # noqa: TRY004  # pydantic turns ValueError into a named field
    return value


class NamePath(BaseModel):
    name: str = Field(description="A set's name: lower-case letters, digits, `.`, `_` and `-`.")


class NumberPath(BaseModel):
    number: str = Field(description="The number to extract.")


class NamedNumberPath(NamePath, NumberPath):
    """A number of a named set."""


class CreateBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    max_number: Annotated[int, BeforeValidator(_whole)] = Field(
        ge=1, le=HIGHEST_MAXIMUM, description="The set holds 1 to this number."
    )


class RangesQuery(BaseModel):
    limit: int = Field(100, ge=1, le=1000, description="Most ranges of an answer.")
    cursor: int = Field(1, ge=1, le=2 * HIGHEST_MAXIMUM, description="`next_cursor` of the answer before.")


class ExtractedDocument(BaseModel):
    success: bool
    message: str
    extracted_number: int
    remaining_count: int


class MissingDocument(BaseModel):
    missing_number: int
    calculation_method: str
    execution_time_ms: float
    extracted_numbers: list[int]


class StatusDocument(BaseModel):
    total_numbers: int
    remaining_count: int
    extracted_count: int
    extracted_numbers: list[int]
    is_complete: bool = Field(description="Nothing is missing.")
    can_find_missing: bool = Field(description="Exactly one number is missing.")


class SetResetDocument(BaseModel):
    success: bool
    message: str
    total_numbers: int


class ErrorsDocument(BaseModel):
    total_errors: int
    errors_by_code: dict[str, int]
    timestamp: datetime


class SetDocument(BaseModel):
    name: str
    max_number: int
    remaining_count: int
    extracted_count: int
    missing_range_count: int
    missing_number: int | None = Field(description="Where exactly one is missing.")
    is_complete: bool = Field(description="Nothing is missing.")
    can_find_missing: bool = Field(description="Exactly one number is missing.")


class SetsQuery(BaseModel):
    limit: int = Field(100, ge=1, le=1000, description="Most sets of an answer.")
    cursor: str = Field("", max_length=64, description="`next_cursor` of the answer before.")


class SetsDocument(BaseModel):
    data: list[SetDocument]
    next_cursor: str | None


class HistoryQuery(BaseModel):
    limit: int = Field(100, ge=1, le=1000, description="Most entries of an answer.")
    cursor: int | None = Field(None, ge=1, le=2**53, description="`next_cursor` of the answer before.")
    number: int | None = Field(None, ge=1, le=HIGHEST_MAXIMUM, description="Only when this number was extracted.")


class SetEntryDocument(BaseModel):
    sequence: int
    kind: str = Field(description="`create`, `extract`, `reset` or `delete`.")
    number: int = Field(description="What was extracted; for the other kinds the set's maximum.")
    extracted_count: int = Field(description="After this entry.")
    at: datetime
    actor: str | None
    node_id: str
    idempotency_key: str | None


class SetHistoryDocument(BaseModel):
    name: str
    data: list[SetEntryDocument]
    next_cursor: int | None


class RangeDocument(BaseModel):
    first: int
    last: int
    count: int


class RangesDocument(BaseModel):
    name: str
    missing_count: int
    missing_range_count: int
    data: list[RangeDocument]
    next_cursor: int | None
