"""What clients send and get about ETL runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from tasks.etl.reasons import Reason


class RunPath(BaseModel):
    run_id: UUID


class RunQuery(BaseModel):
    limit: int = Field(50, ge=1, le=500)
    cursor: UUID | None = Field(None, description="`next_cursor` of the page before.")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="Only runs of this file.")


class RejectQuery(BaseModel):
    format: Literal["json", "csv", "xlsx"] = "json"
    reason: Reason | None = None
    limit: int = Field(100, ge=1, le=1000, description="JSON only: CSV and Excel have all of them.")
    cursor: int = Field(0, ge=0, le=2**63 - 1, description="`next_cursor` of the page before.")


class CompareQuery(BaseModel):
    other: UUID = Field(alias="with", description="the earlier run")
    limit: int = Field(50, ge=1, le=1000, description="examples of each difference")


class RunDocument(BaseModel):
    id: UUID
    status: str
    file_name: str
    file_sha256: str
    file_bytes: int
    settings: dict[str, Any]
    raw_rows: int | None
    charges_added: int | None
    rows_rejected: int | None
    rows_known: int | None
    stages: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    staging_expires_at: datetime | None = Field(
        description="when the rows of a run that is still open are removed, unless somebody goes on with it"
    )


class RunList(BaseModel):
    data: list[RunDocument]
    next_cursor: UUID | None


class Reject(BaseModel):
    line: int
    id: str | None
    name: str | None
    company_id: str | None
    amount: str | None
    status: str | None
    created_at: str | None
    paid_at: str | None
    reasons: list[Reason]
    record: str | None = Field(description="what the file has there, where its form was broken")


class RejectList(BaseModel):
    data: list[Reject]
    meaning: dict[str, str] = Field(description="what each reason on this page means")
    next_cursor: int | None


class Difference(BaseModel):
    count: int
    examples: list[dict[str, Any]]


class ComparisonDocument(BaseModel):
    run: UUID
    with_: UUID = Field(alias="with")
    charges_added: Difference
    changed: Difference = Field(description="rows that say something else about a charge than the ledger")
    rejected_now: Difference = Field(description="and not by the earlier run")
    mended: Difference = Field(description="rejected by the earlier run, a charge since the later one")
