"""What a job cannot cost less than here: round trips, commits and moves alone, and processor time by process."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg2
import redis
from sqlalchemy import Connection

from bench.jobs import drain_ours
from bench.memory import family
from bench.stage import Stage
from bench.table import markdown
from core.clock import uuid7
from models.job import Job
from models.session import Database
from tasks.board import Board
from tasks.contract import JobKind
from tasks.lifecycle import CLAIM, SUCCEED, Lifecycle
from tasks.registry import make_registry
from tasks.submission import Submission, submit_many

_TICKS = os.sysconf("SC_CLK_TCK")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench floor", description=__doc__)
    parser.add_argument("--times", type=int, default=500, help="each step")
    parser.add_argument("--jobs", type=int, default=2000, help="drained")
    options = parser.parse_args(arguments)
    with Stage() as stage:
        steps = _steps(stage, options.times)
        stage.start_ours()
        before = _processor_seconds()
        rate = drain_ours(stage, options.jobs)
        spent = {name: (after - before[name]) / options.jobs for name, after in _processor_seconds().items()}
    print(markdown(["one after another, one client", "ms each"], [[name, f"{ms:.2f}"] for name, ms in steps.items()]))
    print(f"\n{options.jobs} no-op jobs drained at {rate:,.0f} a second; the worker's start and end are included:\n")
    rows = [[name, f"{seconds * 1000:.2f}"] for name, seconds in spent.items()]
    rows.append(["all", f"{sum(spent.values()) * 1000:.2f}"])
    print(markdown(["processes", "ms of processor time a job"], rows))
    return 0


def _steps(stage: Stage, times: int) -> dict[str, float]:
    db, client = Database(stage.postgres.url), redis.Redis.from_url(stage.valkey.url)
    kind = make_registry(["bench.noop.contract"])["noop"]
    moves = Lifecycle(
        db, Board(client), lease=timedelta(seconds=10), cancel_grace=timedelta(seconds=2), crashes_until_poison=3
    )
    plain = psycopg2.connect(stage.postgres.url)
    plain.autocommit = True
    cursor = plain.cursor()
    narrow = "INSERT INTO peer_jobs VALUES (%s, 'noop', 'queued', '{}', now())"
    who: dict[str, Any] = {"worker_id": uuid7(), "pid": 1, "actor": "bench"}
    jobs = [_queued(db, times) for _ in range(3)]
    with db.connect() as connection:
        steps = {
            "Redis: PING": _each([None] * times, lambda _: client.ping()),
            "Postgres: SELECT 1": _each([None] * times, lambda _: cursor.execute("SELECT 1")),
            "Postgres: INSERT of a narrow row and its commit": _each(
                [None] * times, lambda _: cursor.execute(narrow, (str(uuid7()),))
            ),
            "claim, then end: planned each time, nothing shown in Redis": _each(
                jobs[0], lambda job_id: _planned(connection, kind, job_id)
            ),
        }
    steps["claim, then end: prepared, both shown in Redis"] = _each(
        jobs[1], lambda job_id: moves.succeed(_claimed(moves, job_id, who), kind, {}, None, actor="bench")
    )
    held = [_claimed(moves, jobs[2][0], who)]

    def end_and_claim(job_id: UUID) -> None:
        _, following = moves.succeed_and_claim(held[-1], kind, {}, None, job_id, **who)
        held.extend([following] if following else [])

    steps["end and the next claim: one prepared statement, both shown in Redis"] = _each(jobs[2][1:], end_and_claim)
    plain.close()
    client.close()
    db.close()
    return steps


def _queued(db: Database, count: int) -> list[UUID]:
    kind = make_registry(["bench.noop.contract"])["noop"]
    wanted = [Submission(kind=kind, params={}, owner="bench") for _ in range(count)]
    with db.connect() as connection:
        submit_many(connection, wanted)
    return [one.id for one in wanted]


def _each(things: Sequence[Any], do: Callable[[Any], Any]) -> float:
    began = time.perf_counter()
    for thing in things:
        do(thing)
    return (time.perf_counter() - began) / len(things) * 1000


def _planned(connection: Connection, kind: JobKind, job_id: UUID) -> None:
    """The two moves as they were before they were prepared."""
    facts: dict[str, Any] = {"job_id": job_id, "actor": "bench", "detail": None}
    claim = {"new_worker_id": uuid7(), "new_pid": 1, "lease": timedelta(seconds=10)}
    connection.execute(CLAIM, {**facts, **claim}).one()
    end = {"this_attempt": 1, "new_result": {}, "new_progress": None, "keep": kind.retention.succeeded}
    connection.execute(SUCCEED, {**facts, **end}).one()


def _claimed(moves: Lifecycle, job_id: UUID, who: dict[str, Any]) -> Job:
    job = moves.claim(job_id, **who)
    if job is None:
        raise RuntimeError(f"job {job_id} cannot be claimed")
    return job


def _processor_seconds() -> dict[str, float]:
    """By now; of a worker that has ended, because then its children are counted with it."""
    times = os.times()
    seconds = {"worker: parent, two children": times.children_user + times.children_system}
    return seconds | {name: _of_servers(name) for name in ("postgres", "valkey-server")}


def _of_servers(name: str) -> float:
    """Processes of this name below us, and what ended below them."""
    ticks = 0
    for pid in family(os.getpid()):
        try:
            comm, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if comm.endswith(f"({name}"):
            ticks += sum(int(field) for field in rest.split()[11:15])
    return ticks / _TICKS
