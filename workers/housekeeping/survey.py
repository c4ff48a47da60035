"""Looks at all queues every two seconds and leaves what it saw in Redis, so that nobody else has to count."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from core.clock import iso, now
from core.exact_json import dumps
from tasks.board import PREFIX
from tasks.contract import Queue
from tasks.runtime import Runtime

KEY = f"{PREFIX}survey"
_LISTED = 1000  # waiting jobs whose exact position is known

_QUEUES = text(
    "SELECT queue, count(*) AS depth, min(queued_at) AS oldest FROM jobs WHERE status = 'queued' GROUP BY queue"
)
_LINE = text(
    "SELECT id::text FROM jobs WHERE status = 'queued' AND queue = :queue ORDER BY priority DESC, id LIMIT :listed"
)
_COUNTS = text("SELECT status, count(*) FROM jobs WHERE status IN ('scheduled', 'running', 'retrying') GROUP BY status")
_WORKERS = text(
    "SELECT count(*) AS workers, coalesce(sum(concurrency), 0) AS slots FROM workers"
    " WHERE :queue = ANY(queues) AND status = 'online' AND last_seen_at > clock_timestamp() - interval '5 seconds'"
)
_PACE = text(
    "SELECT coalesce(avg(extract(epoch FROM finished_at - started_at)), 0) FROM ("
    " SELECT started_at, finished_at FROM jobs WHERE queue = :queue AND status = 'succeeded'"
    " ORDER BY id DESC LIMIT 50) recent"
)
_PAUSED = text("SELECT queue, paused_at, paused_by, reason FROM paused_queues")


def survey(connection: Connection) -> dict[str, Any]:
    """Depth, oldest age, pause, workers and pace of every queue."""
    depths = {row.queue: row for row in connection.execute(_QUEUES)}
    paused = {row.queue: row for row in connection.execute(_PAUSED)}
    return {
        "at": iso(now()),
        "queues": [
            _queue(connection, name, depths.get(name), paused.get(name))
            for name in sorted({*map(str, Queue), *depths, *paused})
        ],
        "jobs": {row.status: row.count for row in connection.execute(_COUNTS)},
    }


def _queue(connection: Connection, name: str, depth: Any, paused: Any) -> dict[str, Any]:
    workers = connection.execute(_WORKERS, {"queue": name}).one()
    oldest: datetime | None = depth.oldest if depth else None
    return {
        "queue": name,
        "depth": depth.depth if depth else 0,
        "oldest_age_seconds": round((now() - oldest).total_seconds(), 3) if oldest else None,
        "paused": bool(paused),
        "paused_at": iso(paused.paused_at) if paused else None,
        "paused_by": paused.paused_by if paused else None,
        "pause_reason": paused.reason if paused else None,
        "workers": workers.workers,
        "slots": int(workers.slots),
        "mean_run_seconds": float(connection.execute(_PACE, {"queue": name}).scalar_one()),
    }


class Survey:
    name = "survey"
    lock = 5
    every_seconds = 2.0

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def run(self, connection: Connection) -> None:
        seen = survey(connection)
        with self._runtime.redis.pipeline(transaction=True) as pipe:
            pipe.set(KEY, dumps(seen), ex=30)
            for queue in seen["queues"]:
                line = f"{KEY}:{queue['queue']}"
                pipe.delete(line)
                if queue["depth"]:
                    listed = {"queue": queue["queue"], "listed": _LISTED}
                    # They may all have been claimed since they were counted.
                    ids = connection.execute(_LINE, listed).scalars().all()
                    if ids:
                        pipe.zadd(line, {job_id: place for place, job_id in enumerate(ids, start=1)})
                        pipe.expire(line, 30)
            pipe.execute()
