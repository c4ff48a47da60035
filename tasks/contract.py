"""What a kind of work promises: its params and result, where it runs, how long, how often it is tried."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")


class Queue(StrEnum):
    QUICK = "quick"  # seconds at most: nobody's small job waits behind a workbook
    HEAVY = "heavy"  # minutes and gigabytes, under a memory limit


class Params(BaseModel):
    """Base of all params: unknown names are refused, because a misspelt option must not pass in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Result(BaseModel):
    """Base of all results."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class RetryPolicy:
    """How often a job whose error is retryable is tried, and the pause before each further try."""

    max_attempts: int = 3
    first_wait: timedelta = timedelta(seconds=2)
    factor: float = 2.0
    max_wait: timedelta = timedelta(minutes=5)

    def wait_after(self, failures: int) -> timedelta:
        """The pause after this many failures, with a quarter of jitter so that a crowd does not return as one."""
        pause = min(self.first_wait * self.factor ** (failures - 1), self.max_wait)
        return pause * random.uniform(0.75, 1.25)


@dataclass(frozen=True)
class Retention:
    """How long a finished job, its logs and its files are kept."""

    succeeded: timedelta = timedelta(days=30)
    failed: timedelta = timedelta(days=90)
    cancelled: timedelta = timedelta(days=7)


@dataclass(frozen=True)
class JobKind:
    """A description of work. The API, its OpenAPI document, the console, the CLI and the metrics read it."""

    name: str
    title: str
    description: str  # one paragraph, for people
    params: type[BaseModel]
    result: type[BaseModel]
    body: str  # the module whose `run` is decorated with @job_task
    queue: Queue = Queue.QUICK
    time_limit: timedelta = timedelta(minutes=1)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    retention: Retention = field(default_factory=Retention)
    # Set where at most one unfinished job of the kind may exist, whoever asks.
    exclusive: bool = False
    # Where big and small requests of one kind go to different queues.
    queue_of: Callable[[dict[str, Any]], Queue] | None = None
    # `module:function` that looks at checked params and the files they name before a job is made; it raises.
    check: str = ""
    # `module:function` that says what a job of these params would take.
    estimate: str = ""

    def queue_for(self, params: dict[str, Any]) -> Queue:
        return self.queue if self.queue_of is None else self.queue_of(params)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"kind name {self.name!r} must match {_NAME.pattern}")
        if not self.title or not self.description:
            raise ValueError(f"kind {self.name} needs a title and a description")
        if self.time_limit <= timedelta(0):
            raise ValueError(f"kind {self.name} needs a positive time limit")
