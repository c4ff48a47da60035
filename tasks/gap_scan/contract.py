"""What a gap scan takes and gives."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, StrictInt, field_validator, model_validator

from core.errors import InvalidInputError
from tasks.contract import JobKind, Params, Queue, Result

LARGEST = 10**18
MOST_LISTED = 1_000_000


def _a_file(value: Any) -> Any:
    """JSON has no UUIDs: the id goes through as text."""
    return str(value) if isinstance(value, UUID) else value


FileId = Annotated[str, BeforeValidator(_a_file), Field(pattern=r"^[0-9a-fA-F-]{36}$")]
ColumnName = Annotated[str, Field(min_length=1, max_length=500)]
Number = Annotated[StrictInt, Field(ge=-LARGEST, le=LARGEST)]
VoidedText = Annotated[str, Field(min_length=1, max_length=500)]


class GapScanParams(Params):
    file: FileId | None = Field(None, description="The id of an uploaded file.")
    filepath: str | None = Field(None, max_length=1000, description="A path inside the server's data root.")
    sheet: str | int | None = Field(None, description="Name, or index from 0; the first by default.")
    column: ColumnName | None = Field(None, description="The numbers: a header name or a letter; found out by default.")
    header_row: int | None = Field(None, ge=0, description="The row of names, 0 for none; found out by default.")
    mask: str | None = Field(
        None,
        max_length=200,
        description="How the numbers are written, as `INV-{year}-{000000}`: zeros are the number, as wide as they are"
        " many; names such as `{year}`, `{month}` or `{series}` make groups.",
    )
    group_by: list[ColumnName] = Field([], max_length=4, description="Columns that make groups: a series, a branch.")
    start: Number | None = Field(None, description="The first number there should be; else the least found.")
    end: Number | None = Field(None, description="The last number there should be; else the greatest found.")
    step: Annotated[StrictInt, Field(ge=1, le=10**9)] = Field(1, description="From one number to the next.")
    voided: list[Number | VoidedText] = Field(
        [],
        max_length=100_000,
        description="Numbers that need not be there: 17, `20..25`, or as the mask has them, `INV-2024-000017`.",
    )
    max_listed: int = Field(
        100_000, ge=1, le=MOST_LISTED, description="Ranges, doubled numbers and mask breakers that are listed, of each."
    )
    workbook: bool = Field(default=True, description="Also make the Excel report.")

    @field_validator("mask")
    @classmethod
    def _usable(cls, mask: str | None) -> str | None:
        from tasks.gap_scan.mask import parse_mask  # noqa: PLC0415 - Arrow is loaded when a mask is sent, not before

        if mask is not None:
            try:
                parse_mask(mask)
            except InvalidInputError as error:
                raise ValueError(error.message) from None
        return mask

    @model_validator(mode="after")
    def _a_question(self) -> Self:
        if (self.file is None) == (self.filepath is None):
            raise ValueError("give a file by `file` or by `filepath`")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError(f"`end` ({self.end}) is before `start` ({self.start})")
        return self


class MissingRange(Result):
    """Missing numbers that follow each other."""

    group: dict[str, str] = Field(description="What the group's numbers share; empty without groups.")
    first: int
    last: int
    count: int
    first_shown: str = Field(description="As the column would have it.")
    last_shown: str


class DoubledNumber(Result):
    """A number that occurs more than once, with the first of its cells."""

    group: dict[str, str]
    number: int
    shown: str
    cells: list[str]


class BreakerCell(Result):
    cell: str
    value: str
    reason: str


class GroupSummary(Result):
    """One series."""

    group: dict[str, str]
    numbers: int = Field(description="Cells that hold a number of the series, doubled ones each time.")
    first: int | None
    last: int | None
    missing: int
    missing_ranges: int
    doubled: int = Field(description="Numbers that occur more than once.")
    surplus: int = Field(description="Occurrences beyond the first.")
    outside_range: int
    off_step: int
    voided_used: int = Field(description="Numbers that were voided and occur all the same.")


class GapScanResult(Result):
    is_complete: bool = Field(description="Nothing missing, doubled, outside, between steps, breaking the mask.")
    input_sha256: str
    sheet: str
    column: str
    numbers: int
    missing: int
    missing_ranges: int
    doubled: int
    surplus: int
    outside_range: int
    off_step: int
    voided_used: int
    breakers: int = Field(description="Cells that hold no number, or none that fits the mask.")
    groups: int
    truncated: bool = Field(description="Whether the files list less than was found; the counts are always exact.")
    first_missing: list[MissingRange]
    first_doubled: list[DoubledNumber]
    first_breakers: list[BreakerCell]
    by_group: list[GroupSummary] = Field(description="The first hundred groups.")
    seconds: float


GAP_SCAN = JobKind(
    name="gap_scan",
    title="Gap scan",
    description="Find the numbers that are missing from a column of a workbook, CSV or Parquet file, and those that"
    " occur twice: within a range, in steps, as a mask such as INV-{year}-{000000} has them, by group. Voided numbers"
    " are left out; cells that break the mask are named. Gives ranges and counts, CSV files and an Excel report.",
    params=GapScanParams,
    result=GapScanResult,
    body="tasks.gap_scan.task",
    queue=Queue.HEAVY,
    check="tasks.gap_scan.checking:check",
    time_limit=timedelta(minutes=30),
)
