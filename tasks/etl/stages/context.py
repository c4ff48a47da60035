"""What a stage's job has in common: its workplace, and progress that its parent sees as well."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.context import HandBackError, JobContext, LeaseLostError, session_of
from tasks.etl.stages.workplace import Workplace


@dataclass(frozen=True)
class Watched:
    """A stage's job, and the job of the whole run if there is one: both can stop it."""

    job: JobContext
    stage: str
    parent: JobContext | None = None
    position: int = 0
    stages: int = 1

    def tick(self, done: float, total: float | None = None, *, message: str = "") -> None:
        self.job.tick(done, total, stage=self.stage, message=message)
        if self.parent is not None:
            share = min(done / total, 1.0) if total else 0.0
            try:
                self.parent.tick(round(self.position + share, 3), self.stages, stage=self.stage, message=message)
            except LeaseLostError:
                # The run is somebody else's, its stage still ours: left as it is it would seem to run for ever.
                raise HandBackError from None

    def parent_tick(self) -> None:
        """Only look whether the whole run should stop."""
        if self.parent is not None:
            self.parent.tick(self.position, self.stages, stage=self.stage)

    @property
    def place(self) -> Workplace:
        return Workplace(self.job.db, self.job.settings.home / "etl", self.tick, session_of(self.job.job))
