"""Run the stages of an ETL job as child jobs: each has its own row, events, retries and report."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select

from core import errors
from core.clock import uuid7
from core.errors import ConflictError, PlatformError
from core.input_files import InputFile
from models.artifact import add_artifact
from models.etl_run import EtlRun, RunStatus
from models.job import Job, JobStatus
from tasks.base import JobTask, perform
from tasks.context import JobContext
from tasks.contract import JobKind
from tasks.etl.contract import (
    ETL_EXTRACT,
    ETL_LOAD,
    ETL_PUBLISH,
    ETL_TRANSFORM,
    STAGES,
    EtlParams,
    EtlResult,
    ExtractParams,
    FileParams,
    RunParams,
    StageReport,
)
from tasks.etl.stages import bodies
from tasks.etl.stages.context import Watched
from tasks.etl.stages.hold import held_run_of, known_run, run_of
from tasks.inputs import Inputs
from tasks.lifecycle import find
from tasks.submission import Submission, submit

LOOK_EVERY = 0.1  # seconds
_BODIES: dict[str, Callable[[Any, Watched], BaseModel]] = {
    ETL_LOAD.name: bodies.load_body,
    ETL_EXTRACT.name: bodies.extract_body,
    ETL_TRANSFORM.name: bodies.transform_body,
    ETL_PUBLISH.name: bodies.publish_body,
}
_ERRORS = {
    kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PlatformError)
}


class Pipeline:
    """One ETL job and its stages."""

    def __init__(self, params: EtlParams, job: JobContext) -> None:
        self._params = params
        self._job = job
        self._jobs: dict[str, UUID] = {}

    def run(self) -> EtlResult:
        found = Inputs(self._job, self._job.owner).find(file=self._params.file, filepath=self._params.filepath)
        run = run_of(self._job.db, found, self._params.settings, self._job.owner)
        if run.status == RunStatus.PUBLISHED:
            return self._unchanged(run)
        tick = self._watched("waiting").tick
        with held_run_of(self._job, found, self._params.settings, tick) as current:
            if current.status == RunStatus.PUBLISHED and not self._children():
                return self._unchanged(current)
            return self._run_stages(current, found)

    def _run_stages(self, run: EtlRun, found: InputFile) -> EtlResult:
        file = FileParams.model_validate(self._params.model_dump(exclude={"dry_run", "extract"}))
        reports = {"load": self._stage(ETL_LOAD, file)}
        if self._params.extract:
            reports["extract"] = self._stage(ETL_EXTRACT, ExtractParams(run=run.id, format=self._params.extract))
        for kind, name in ((ETL_TRANSFORM, "transform"), (ETL_PUBLISH, "publish")):
            reports[name] = self._stage(kind, RunParams(run=run.id))
        self._watched("done").place.forget_spool(run.id)
        self._job.log.info("etl_done", run=str(run.id), file=found.name)
        if extracted := reports.get("extract"):
            self._share_extract(extracted)
        return self._result(known_run(self._job.db, run.id), reports)

    def _share_extract(self, extracted: dict[str, Any]) -> None:
        """The file belongs to the stage's job; people look for it at the job they asked for."""
        facts = extracted["facts"]
        add_artifact(
            self._job.effects(),
            id=uuid7(),
            job_id=self._job.id,
            name=facts["artifact"],
            media_type=facts["media_type"],
            sha256=facts["sha256"],
            bytes=facts["bytes"],
        )

    def _stage(self, kind: JobKind, params: BaseModel) -> dict[str, Any]:
        """The stage's result. What an earlier attempt finished is taken as it is; what it began goes on."""
        child_id = self._child_of(kind, params)
        while True:
            with self._job.db.connect() as connection:
                child = cast("Job", find(connection, child_id, whole=True))
            match JobStatus(child.status):
                case JobStatus.SUCCEEDED:
                    return dict(child.result or {})
                case JobStatus.FAILED:
                    raise _same_error(kind, child.error or {})
                case JobStatus.CANCELLED:
                    if child.cancel_requested_at is not None:
                        raise ConflictError(f"stage {kind.name} was cancelled", job_id=str(child_id))
                    # Nobody asked the stage to stop: it obeyed what the whole run was asked, and so do we.
                    self._watched(kind.name).parent_tick()
                case JobStatus.QUEUED:
                    with self._job.db.connect() as connection:
                        self._job.hold(connection)
                    # Here and now: a stage that waited for another worker could wait for ever behind us.
                    perform(JobTask.post, kind, self._body(kind), child_id)
                case _:  # between two tries, or with a worker that is not known to be dead yet
                    self._watched(kind.name).parent_tick()
            time.sleep(LOOK_EVERY if child.status != JobStatus.QUEUED else 0)

    def _body(self, kind: JobKind) -> Callable[[Any, JobContext], Any]:
        body = _BODIES[kind.name]
        return lambda params, job: body(params, self._watched(kind.name, job))

    def _watched(self, name: str, job: JobContext | None = None) -> Watched:
        position = next((i for i, kind in enumerate(STAGES) if kind.name == name), 0)
        stage = name.removeprefix("etl_")
        return Watched(job or self._job, stage, self._job, position, len(STAGES))

    def _children(self) -> dict[str, UUID]:
        with self._job.db.connect() as connection:
            rows = connection.execute(select(Job.kind, Job.id).where(Job.parent_id == self._job.id).order_by(Job.id))
            return {row.kind: row.id for row in rows}

    def _child_of(self, kind: JobKind, params: BaseModel) -> UUID:
        child_id = self._children().get(kind.name)
        if child_id is None:
            wanted = Submission(
                kind, params.model_dump(mode="json"), self._job.owner, parent_id=self._job.id,
                request_id=self._job.job.request_id, traceparent=self._job.job.traceparent,
            )  # fmt: skip
            with self._job.db.transaction() as connection:
                self._job.hold(connection)  # a process that was frozen meanwhile must begin no stage of a finished run
                # Not for Celery: we run it ourselves. If we die, housekeeping finds it and publishes it.
                child_id = submit(connection, wanted, published=True).job.id
        self._jobs[kind.name.removeprefix("etl_")] = child_id
        return child_id

    def _unchanged(self, run: EtlRun) -> EtlResult:
        rows = (run.raw_rows or 0) + (run.rows_known or 0)
        return EtlResult(
            run=run.id, outcome="unchanged", raw_rows=0, charges_added=0, rows_rejected=0, rows_known=rows,
            rows_repaired=0, reasons={}, stages={},
        )  # fmt: skip

    def _result(self, run: EtlRun, reports: dict[str, dict[str, Any]]) -> EtlResult:
        judged, published = run.stages.get("transform") or {}, run.stages.get("publish") or {}
        return EtlResult(
            run=run.id,
            outcome="published",
            raw_rows=run.raw_rows or 0,
            charges_added=run.charges_added or 0,
            rows_rejected=run.rows_rejected or 0,
            rows_known=run.rows_known or 0,
            rows_repaired=judged.get("repaired", 0),
            reasons=published.get("reasons") or {},
            stages={name: StageReport.model_validate(_report(report)) for name, report in reports.items()},
            jobs=self._jobs,
        )


def _report(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "run"}


def _same_error(kind: JobKind, error: dict[str, Any]) -> PlatformError:
    """The stage's error as the run's own; the stage was tried again as often as it may be."""
    known = _ERRORS.get(error.get("code", ""), ConflictError)
    if known.retryable:
        known = ConflictError
    details = {"stage": kind.name, **error.get("details", {})}
    return known(f"{kind.name}: {error.get('message', 'failed')}", **details)
