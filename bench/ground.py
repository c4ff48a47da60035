"""A platform whose tables are as full as a measurement wants them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from statistics import median
from subprocess import Popen
from types import TracebackType
from typing import Self

import psycopg2
import redis
import requests

from bench.load import burst
from bench.stage import Stage
from workers.celery_app import lists_of

JOBS = "/api/v1/jobs"
NOOP = json.dumps({"kind": "noop", "params": {}}).encode()
_PUBLISHED = "CASE jobs.status WHEN 'queued' THEN NULL ELSE jobs.published_at END"
_SAMPLE = 1_000
Make = Callable[[], bytes]


class Ground:
    """A platform without a worker, a job that has ended and one that waits, and a way to have many like them."""

    def __init__(self, stage: Stage, rounds: int, seconds: float) -> None:
        self._stage, self._rounds, self._seconds = stage, rounds, seconds

    def __enter__(self) -> Self:
        self.port = self._stage.start_ours()
        self._redis = redis.Redis.from_url(self._stage.valkey.url)
        self._connection = psycopg2.connect(self._stage.postgres.url)
        self._connection.autocommit = True
        self._cursor = self._connection.cursor()
        worker = self._start_worker()
        self.ended = self.submit({"Prefer": "wait=60"})
        self._stop(worker)
        self.waiting = self.submit()
        self.put_aside(self.waiting)
        self.fill(self.ended, 100)  # so that a page of the list is full from the first point on
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._redis.close()

    def rates(self, makes: Mapping[str, Make], clients: int = 16) -> dict[str, float]:
        """Answers a second to each kind of request, in turns, so that a noisy moment is noisy for all of them."""
        seen: dict[str, list[float]] = {name: [] for name in makes}
        for _ in range(self._rounds):
            for name, make in makes.items():
                load = burst(self.port, make, clients=clients, seconds=self._seconds)
                if load.refused:
                    raise RuntimeError(f"{name}: {load.refused} of {len(load.latencies)} refused")
                seen[name].append(load.per_second)
                self._take_away()
        return {name: median(rates) for name, rates in seen.items()}

    def submit(self, headers: dict[str, str] | None = None, body: bytes = NOOP) -> str:
        asked = {"Content-Type": "application/json", **(headers or {})}
        answer = requests.post(f"http://127.0.0.1:{self.port}{JOBS}", data=body, headers=asked, timeout=90)
        answer.raise_for_status()
        return str(answer.json()["id"])

    def put_aside(self, job: str) -> None:
        """Into a queue that nobody serves here, so that it waits until the end."""
        self._cursor.execute("UPDATE jobs SET queue = 'heavy' WHERE id = %s", (job,))

    def fill(self, like: str, count: int) -> None:
        """So many jobs in all that are as a real one is, with its events, and older than whatever comes now."""
        columns = self._columns("jobs", id="uuidv7(- interval '1 hour')", published_at=_PUBLISHED)
        events = self._columns("job_events", job_id="made.id")
        self._cursor.execute(
            "SELECT count(*) FROM jobs WHERE (queue, status) = (SELECT queue, status FROM jobs WHERE id = %s)", (like,)
        )
        there = (self._cursor.fetchone() or (0,))[0]
        self._cursor.execute(
            f"""
            WITH made AS (
                INSERT INTO jobs ({", ".join(columns)}) SELECT {", ".join(columns.values())}
                FROM jobs, generate_series(1, %(count)s) WHERE jobs.id = %(like)s RETURNING id
            )
            INSERT INTO job_events ({", ".join(events)}) SELECT {", ".join(events.values())}
            FROM made, job_events WHERE job_events.job_id = %(like)s
            """,
            {"like": like, "count": max(count - there, 0)},
        )
        for statement in ("VACUUM ANALYZE jobs", "VACUUM ANALYZE job_events", "CHECKPOINT"):
            self._cursor.execute(statement)

    def forget_waiting(self) -> None:
        """Only the first one is left."""
        self._cursor.execute(
            "WITH gone AS (DELETE FROM jobs WHERE queue = 'heavy' AND id <> %s RETURNING id)"
            " DELETE FROM job_events USING gone WHERE job_id = gone.id",
            (self.waiting,),
        )
        self._redis.delete(*lists_of("heavy"))

    def some_ended(self) -> list[str]:
        self._cursor.execute(
            "SELECT id::text FROM jobs WHERE status = 'succeeded' ORDER BY random() LIMIT %s", (_SAMPLE,)
        )
        return [row[0] for row in self._cursor.fetchall()]

    def pickups(self, count: int) -> list[float]:
        """Seconds from a job's birth to its claim, sent one by one to a worker that has nothing else to do."""
        worker = self._start_worker()
        for _ in range(5):
            self.submit({"Prefer": "wait=60"})  # wakes everything up
        for _ in range(count):
            self.submit()
            time.sleep(0.05)
        last = self.submit({"Prefer": "wait=60"})
        self._cursor.execute(
            "SELECT extract(epoch FROM started_at - created_at)::float FROM jobs"
            " WHERE queue = 'quick' AND id < %s ORDER BY id DESC LIMIT %s",
            (last, count),
        )
        waits = [float(row[0]) for row in self._cursor.fetchall()]
        self._stop(worker)
        return waits

    def _columns(self, table: str, **changed: str) -> dict[str, str]:
        self._cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s",
            (table,),
        )
        return {name: changed.get(name, f"{table}.{name}") for (name,) in self._cursor.fetchall()}

    def _start_worker(self) -> Popen[bytes]:
        """For the queue of the no-ops alone: what fills another one must stay there."""
        return self._stage.start_our_worker(queues="quick")

    def _stop(self, worker: Popen[bytes]) -> None:
        worker.terminate()
        worker.wait(30)

    def _take_away(self) -> None:
        """What a burst submitted is no part of the next figure."""
        self._cursor.execute(
            "WITH gone AS (DELETE FROM jobs WHERE status = 'queued' AND queue = 'quick' RETURNING id)"
            " DELETE FROM job_events USING gone WHERE job_id = gone.id"
        )
        self._redis.delete(*lists_of("quick"))
