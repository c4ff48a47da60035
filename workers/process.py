"""What happens around a worker's life: in the parent when it is up, in each child when it starts, at the end."""

from __future__ import annotations

import gc
import mmap
import os
import threading
from typing import Any

import structlog
from celery import Celery, signals

from core.clock import uuid7
from core.parent_death import die_with_parent
from core.settings import Settings
from tasks.base import JobTask, Post
from tasks.runtime import make_runtime
from workers.heartbeat import Heartbeat
from workers.housekeeping.keeper import Duty, Housekeeping
from workers.housekeeping.purge import Purge
from workers.housekeeping.purge_staging import PurgeStaging
from workers.housekeeping.republish import Republish
from workers.housekeeping.rescue import Rescue
from workers.housekeeping.schedule import Schedule
from workers.housekeeping.survey import Survey
from workers.quick_line import QuickLine
from workers.task_events import TaskEvents
from workers.time_limit import hear_alarms, within

logger = structlog.get_logger()

VERSION = "0.1.0"
_DEAF_SECONDS = 3.0  # between telling bodies to hand back and killing those that did not hear


class WorkerGroup:
    """A parent process and its children; Celery's signals keep it."""

    def __init__(self, app: Celery, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._id = uuid7()
        # Two bytes shared with every child, whenever it is forked: set when no more work may be taken, and when what
        # is there must be handed back.
        self._drain = mmap.mmap(-1, 2)
        self._heartbeat: Heartbeat | None = None
        self._housekeeping: Housekeeping | None = None
        signals.worker_process_init.connect(self._child_starts, weak=False)
        signals.worker_ready.connect(self._is_up, weak=False)
        signals.worker_shutting_down.connect(self._is_going, weak=False)
        signals.worker_shutdown.connect(self._is_gone, weak=False)

    @property
    def is_draining(self) -> bool:
        return self._drain[1] != 0

    @property
    def is_going(self) -> bool:
        return self._drain[0] != 0

    def start(self) -> None:
        """Load the bodies with their libraries, and what a runtime loads, before children are forked."""
        make_runtime(self._settings, application="worker").registry.import_bodies()
        # What is loaded by now stays: keep the collector's hands off it, so that children go on sharing its pages.
        gc.collect()
        gc.freeze()

    def _child_starts(self, **_: Any) -> None:
        # A child whose parent was killed would run on without heartbeat beside the one that takes over its job.
        die_with_parent()
        runtime = make_runtime(self._settings, application="job", pool_size=3, alone=True)
        hear_alarms()
        events = TaskEvents(self._app)
        JobTask.post = Post(
            runtime,
            self._id,
            self._name,
            lambda: self.is_draining,
            within=within,
            new_line=lambda name: QuickLine(runtime.redis, self._app.tasks, lambda: self.is_going, events, name),
        )

    @property
    def _name(self) -> str:
        return f"worker {self._settings.node_id}"

    def _is_up(self, sender: Any, **_: Any) -> None:
        runtime = make_runtime(self._settings, application="worker", pool_size=2)
        self._heartbeat = Heartbeat(
            runtime,
            self._id,
            name=sender.hostname,
            hostname=self._settings.node_id,
            queues=sorted(self._app.amqp.queues.consume_from),
            concurrency=sender.controller.concurrency,
            version=VERSION,
            is_draining=lambda: self.is_draining,
        )
        duties: list[Duty] = [
            Rescue(runtime),
            Schedule(runtime),
            Republish(runtime, self._app),
            Purge(runtime.storage, self._settings.audit_kept),
            PurgeStaging(self._settings.home / "etl"),
            Survey(runtime),
        ]
        self._housekeeping = Housekeeping(runtime, duties, lambda: self.is_draining)
        self._heartbeat.start()
        self._housekeeping.start()
        logger.info("worker_up", worker_id=str(self._id), queues=sorted(self._app.amqp.queues.consume_from))

    def _is_going(self, **_: Any) -> None:
        """SIGTERM: nothing new is taken; what is short may end; the rest is told to hand its job back."""
        self._drain[0] = 1
        logger.info("worker_draining", seconds=self._settings.drain.total_seconds())
        timer = threading.Timer(self._settings.drain.total_seconds(), self._hand_back)
        timer.daemon = True
        timer.start()

    def _hand_back(self) -> None:
        """Bodies hear it at their next tick; whoever does not tick is cut off a little later."""
        self._drain[1] = 1
        timer = threading.Timer(_DEAF_SECONDS, self._cut_off)
        timer.daemon = True
        timer.start()

    def _cut_off(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.cut_off()

    def _is_gone(self, **_: Any) -> None:
        if self._housekeeping is not None:
            self._housekeeping.stop()
        if self._heartbeat is not None:
            self._heartbeat.stop()
        logger.info("worker_gone", pid=os.getpid())
