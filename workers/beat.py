"""Celery beat over rows: a due time is claimed by inserting it, so any number of beats fire it once."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import structlog
from celery.beat import Scheduler

from tasks.base import DATABASE_DOWN
from tasks.runtime import Runtime, make_runtime
from tasks.scheduling import Timekeeper
from workers.celery_app import ReckonerCelery

logger = structlog.get_logger()

_LOOK_EVERY = 1  # second; due times are whole seconds


class RowScheduler(Scheduler):
    """Celery's clockwork, our book-keeping. Entries of Celery's own are not used."""

    def __init__(self, app: ReckonerCelery, **options: Any) -> None:
        settings = app.settings
        self._runtime: Runtime = make_runtime(settings, application="beat", pool_size=1)
        self._timekeeper = Timekeeper(
            self._runtime.db, self._runtime.registry, import_module(settings.timetable).TIMETABLE
        )
        self._has_begun = False
        super().__init__(app, **{**options, "max_interval": _LOOK_EVERY})  # Celery passes one of its own

    def setup_schedule(self) -> None:
        """Nothing to load: the timetable is synchronised with the first tick that finds a database."""

    def tick(self, *_: Any, **__: Any) -> float:
        try:
            if not self._has_begun:
                self._timekeeper.begin()
                self._has_begun = True
            for fired in self._timekeeper.fire_due():
                logger.info("schedule_fired", schedule=fired.schedule, due_at=str(fired.due_at), outcome=fired.outcome)
        except DATABASE_DOWN as error:
            logger.warning("beat_waits", error=str(error).splitlines()[0])
        return _LOOK_EVERY

    @property
    def info(self) -> str:
        return "    . rows -> schedules, schedule_runs"
