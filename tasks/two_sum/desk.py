"""Where a question about files meets its job: finding files, remembering answers in Redis, keeping results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from redis.exceptions import RedisError

from core.clock import uuid7
from core.storage import StoredFile
from models.artifact import add_artifact
from models.two_sum_result import keep_answer
from tasks.context import JobContext
from tasks.inputs import Inputs
from tasks.two_sum.contract import TwoSumParams, TwoSumResult
from tasks.two_sum.remembering import PREFIX, MadeFile


class Desk:
    """One job's `tasks.two_sum.file_job.FileJob`."""

    def __init__(self, job: JobContext) -> None:
        self._job = job
        self.finder = Inputs(job, job.owner)

    def tick(self, done: float, total: float | None = None, *, stage: str = "", message: str = "") -> None:
        self._job.tick(done, total, stage=stage, message=message)

    def recall(self, question: str) -> bytes | None:
        """A cache that is away costs time, not the answer."""
        try:
            kept = self._job.redis.get(PREFIX + question)
        except RedisError:
            return None
        return kept if isinstance(kept, bytes) else None

    def remember(self, question: str, answer: bytes) -> None:
        seconds = int(self._job.settings.result_cache.total_seconds())
        try:
            self._job.redis.set(PREFIX + question, answer, ex=max(seconds, 1))
        except RedisError:
            return  # asked again, it is computed again

    def save(self, path: Path, name: str, media_type: str) -> StoredFile:
        return self._job.save_artifact(path, name, media_type)

    def attach(self, files: Sequence[MadeFile]) -> bool:
        if not all(self._job.storage.exists(made.sha256) for made in files):
            return False
        for made in files:
            add_artifact(self._job.effects(), id=uuid7(), job_id=self._job.id, **made.model_dump())
        return True

    def record(self, question: str, params: TwoSumParams, result: TwoSumResult) -> None:
        report = result.report
        self._job.log.info(
            "scanned",
            rows=None if report is None else report.rows_read,
            pairs=None if report is None else report.pairs,
            found=result.found,
        )
        keep_answer(
            self._job.effects(),
            question=question,
            source=params.filepath or str(params.file),
            target=str(params.target if params.target is not None else params.targets or params.target_column),
            indices=result.indices,
            numbers=result.numbers,
            job_id=self._job.id,
        )
