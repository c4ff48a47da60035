"""What the ETL takes and gives: the whole run as one kind, and each of its stages as a kind of its own."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from tasks.contract import JobKind, Params, Queue, Result, RetryPolicy
from tasks.etl.settings import RunSettings

TIME_LIMIT = timedelta(minutes=30)
RETRY = RetryPolicy(max_attempts=4)
STAGING_KEPT = timedelta(days=7)  # how long a run that is not published can be gone on with


class FileParams(RunSettings):
    """Which file, and how to read and judge it."""

    file: str | None = Field(None, description="id of an uploaded file")
    filepath: str | None = Field(None, description="path of a file inside the data root")

    @model_validator(mode="after")
    def _one_file(self) -> Self:
        if (self.file is None) == (self.filepath is None):
            raise ValueError("name one file: either `file` (an uploaded one) or `filepath` (inside the data root)")
        return self

    @property
    def settings(self) -> RunSettings:
        return RunSettings.model_validate(self.model_dump(exclude={"file", "filepath", "dry_run", "extract"}))


class EtlParams(FileParams):
    dry_run: bool = Field(default=False, description="only say what would happen; nothing is written")
    extract: Literal["parquet", "csv"] | None = Field("parquet", description="the raw rows as a file of the job")


class StageReport(Result):
    """What a stage did."""

    rows: int = 0
    seconds: float = 0
    rows_per_second: int = 0
    peak_memory_bytes: int = 0
    facts: dict[str, Any] = Field(default_factory=dict, description="what only this stage can tell")

    @classmethod
    def of(cls, report: dict[str, Any]) -> Self:
        own = {"rows", "seconds", "rows_per_second", "peak_memory_bytes"}
        facts = {name: value for name, value in report.items() if name not in own}
        return cls(**{name: report[name] for name in own if name in report}, facts=facts)


class EtlResult(Result):
    run: UUID | None = Field(description="the run, for /api/v1/etl/runs/{run}; none for a dry run")
    outcome: Literal["published", "unchanged", "rehearsed"] = Field(
        description="unchanged: this file was published before, by the run that is named"
    )
    raw_rows: int = Field(description="rows of the file that are new to the platform")
    charges_added: int
    rows_rejected: int
    rows_known: int = Field(description="rows that the ledger had already, which therefore changed nothing")
    rows_repaired: int
    reasons: dict[str, int] = Field(
        description="rejected rows by reason, without those that were known; a row can have several"
    )
    stages: dict[str, StageReport]
    jobs: dict[str, UUID] = Field(default_factory=dict, description="the job of each stage")


class RunParams(Params):
    run: UUID = Field(description="the run whose stage this is")


class ExtractParams(RunParams):
    format: Literal["parquet", "csv"] = "parquet"
    company_id: str | None = Field(None, description="only rows with this company id, as the file has it")
    status: str | None = Field(None, description="only rows with this status, as the file has it")
    created_from: date | None = Field(None, description="only rows whose created_at begins with this day or later")
    created_to: date | None = Field(
        None, description="only rows whose created_at begins with this day or an earlier one"
    )


class LoadResult(StageReport):
    run: UUID


ETL = JobKind(
    name="etl",
    title="Load transactions",
    description=(
        "Take a transaction file as dirty as it is (CSV in any usual form, gzipped or not, Excel or Parquet) to a"
        " ledger of companies and charges and a daily report. Every row ends as exactly one charge or one reject with"
        " all its reasons. Loading the same file twice changes nothing."
    ),
    params=EtlParams,
    result=EtlResult,
    body="tasks.etl.task",
    check="tasks.etl.checking:check",
    queue=Queue.HEAVY,
    time_limit=TIME_LIMIT,
    retry=RETRY,
)
ETL_LOAD = JobKind(
    name="etl_load",
    title="ETL stage 1: load raw rows",
    description="Read a transaction file into raw rows, verbatim, with file and line; they show once published.",
    params=FileParams,
    result=LoadResult,
    body="tasks.etl.load_task",
    check="tasks.etl.checking:check",
    queue=Queue.HEAVY,
    time_limit=TIME_LIMIT,
    retry=RETRY,
)
ETL_EXTRACT = JobKind(
    name="etl_extract",
    title="ETL stage 2: extract raw rows",
    description="Write a run's raw rows, all or chosen ones, as a Parquet or CSV file with its metadata.",
    params=ExtractParams,
    result=StageReport,
    body="tasks.etl.extract_task",
    queue=Queue.HEAVY,
    time_limit=TIME_LIMIT,
    retry=RETRY,
)
ETL_TRANSFORM = JobKind(
    name="etl_transform",
    title="ETL stage 3: judge rows",
    description="Judge a run's raw rows by the rules: each becomes a charge to be, or a reject with all its reasons.",
    params=RunParams,
    result=StageReport,
    body="tasks.etl.transform_task",
    queue=Queue.HEAVY,
    time_limit=TIME_LIMIT,
    retry=RETRY,
)
ETL_PUBLISH = JobKind(
    name="etl_publish",
    title="ETL stage 4: publish",
    description="Make a judged run part of the ledger and its reports, in the same moment for every reader.",
    params=RunParams,
    result=StageReport,
    body="tasks.etl.publish_task",
    queue=Queue.HEAVY,
    time_limit=TIME_LIMIT,
    retry=RETRY,
)
STAGES = (ETL_LOAD, ETL_EXTRACT, ETL_TRANSFORM, ETL_PUBLISH)
