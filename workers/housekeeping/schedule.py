"""Queues scheduled and retrying jobs whose time has come."""

from __future__ import annotations

from sqlalchemy import Connection

from tasks.runtime import Runtime


class Schedule:
    name = "schedule"
    lock = 2
    every_seconds = 0.5

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def run(self, connection: Connection) -> None:
        jobs = self._runtime.lifecycle.queue_due(connection)
        if jobs:
            connection.commit()
            self._runtime.lifecycle.show(*jobs)
