"""What a sync takes and gives."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from tasks.contract import JobKind, Params, Result, RetryPolicy

FAILURES_TOLD = 100


class SyncParams(Params):
    page_size: int = Field(1000, ge=1, le=10_000, description="Posts asked for at a time.")
    full: bool = Field(default=False, description="Read everything, even what the outside API says has not changed.")


class FailedRecord(BaseModel):
    model_config = ConfigDict(frozen=True)

    position: int = Field(description="Place in the feed, counted from 0.")
    external_id: int | None = Field(description="The record's id, where it has a usable one.")
    reason: str


class SyncResult(Result):
    source: str = Field(description="The outside API that was read.")
    pages: int = Field(description="Pages asked for.")
    pages_unchanged: int = Field(description="Pages the outside API said are as they were (304).")
    items_processed: int = Field(description="Good records: added, changed and unchanged.")
    added: int
    changed: int
    unchanged: int
    duplicates: int = Field(description="Records that came again with the same content.")
    failed: int = Field(description="Records that could not be used.")
    failures: list[FailedRecord] = Field(description=f"Which and why; the first {FAILURES_TOLD}.")


SYNC = JobKind(
    name="sync",
    title="Sync with the outside API",
    description=(
        "Read all posts of the outside API and bring the items up to date: new ones are added, changed ones written, "
        "the rest left alone. A bad record fails alone. Only one sync runs at a time, wherever it was asked for."
    ),
    params=SyncParams,
    result=SyncResult,
    body="tasks.sync.task",
    time_limit=timedelta(minutes=10),
    # The HTTP client has tried four times by then, and the schedule comes round in a quarter of an hour.
    retry=RetryPolicy(max_attempts=1),
    exclusive=True,
)
