"""Drain and pick-up of no-op jobs beside plain Celery, with and without its results."""

from __future__ import annotations

import argparse
import time
from statistics import median

import psycopg2
import redis
import requests

from bench.stage import Stage
from bench.table import markdown, ratio, spread


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench jobs", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000, help="per drain")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pickups", type=int, default=200, help="jobs sent one by one, 20 a second")
    options = parser.parse_args(arguments)
    drains: dict[str, list[float]] = {"ours": [], "Celery with Redis results": [], "Celery without results": []}
    with Stage() as stage:
        for _ in range(options.rounds):
            drains["ours"].append(drain_ours(stage, options.jobs))
            drains["Celery with Redis results"].append(
                _drain_peer(stage, options.jobs, "remembering", "peer-results", "noop_result")
            )
            drains["Celery without results"].append(_drain_peer(stage, options.jobs, "forgetful", "peer", "noop"))
        ours, theirs = _pickup_ours(stage, options.pickups), _pickup_peer(stage, options.pickups)
    print(f"{options.jobs} no-op jobs, prefork, 2 processes, {options.rounds} rounds\n")
    rows = [
        [name, spread(rates), ratio(drains["ours"], rates) if name != "ours" else ""] for name, rates in drains.items()
    ]
    print(markdown(["drain", "jobs/s (min to max)", "ours / this"], rows))
    rows = [
        ["ours, over HTTP", f"{median(ours):.1f}", f"{_p99(ours):.1f}"],
        ["Celery", f"{median(theirs):.1f}", f"{_p99(theirs):.1f}"],
        ["ours / Celery", f"{median(ours) / median(theirs):.2f}x", f"{_p99(ours) / _p99(theirs):.2f}x"],
    ]
    print("\n" + markdown(["pick-up at 20 a second", "p50 ms", "p99 ms"], rows))
    return 0


def _p99(figures: list[float]) -> float:
    return sorted(figures)[int(len(figures) * 0.99)]


def drain_ours(stage: Stage, count: int) -> float:
    """Jobs a second from the worker's first claim to the last job's end, by Postgres' clock."""
    port = stage.start_ours()
    items = [{"kind": "noop", "params": {}} for _ in range(count)]
    answer = requests.post(f"http://127.0.0.1:{port}/api/v1/jobs:batch", json={"jobs": items}, timeout=60)
    answer.raise_for_status()
    worker = stage.start_our_worker()
    connection = psycopg2.connect(stage.postgres.url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT count(*) FROM jobs WHERE status = 'queued' OR status = 'running'")
            if _one(cursor) == 0:
                break
            time.sleep(0.05)
        newest = "SELECT finished_at, started_at FROM jobs ORDER BY id DESC LIMIT %s"
        cursor.execute(
            f"SELECT extract(epoch FROM max(finished_at) - min(started_at))::float FROM ({newest}) AS drained", (count,)
        )
        seconds = _one(cursor)
    connection.close()
    worker.terminate()
    worker.wait(30)
    return count / seconds


def _one(cursor: psycopg2.extensions.cursor) -> float:
    row = cursor.fetchone()
    return float(row[0]) if row else 0.0


def _drain_peer(stage: Stage, count: int, app: str, queue: str, task: str) -> float:
    """Jobs a second from the first message leaving the list to the last job's end."""
    import os  # noqa: PLC0415

    os.environ |= {name: value for name, value in stage.environment.items() if name.startswith("PEER_")}
    from bench import peer_app  # noqa: PLC0415  # reads its addresses when imported

    client = redis.Redis.from_url(stage.environment["PEER_REDIS_URL"])
    client.flushdb()
    send = getattr(peer_app, task)
    for _ in range(count):
        send.apply_async()
    worker = stage.start_peer_worker(app, queue)
    while client.llen(queue) == count:
        time.sleep(0.002)
    began = time.monotonic()
    while client.llen(queue) or client.hlen("unacked") or _unfinished(client, task, count):
        time.sleep(0.005)
    seconds = time.monotonic() - began
    worker.terminate()
    worker.wait(30)
    return count / seconds


def _unfinished(client: redis.Redis, task: str, count: int) -> bool:
    """With results, the last one must be there."""
    return task == "noop_result" and int(client.dbsize()) < count


def _pickup_ours(stage: Stage, count: int) -> list[float]:
    """Milliseconds from the row's birth to its claim, both by Postgres' clock, submitted over HTTP."""
    port = stage.start_ours()
    worker = stage.start_our_worker()
    url = f"http://127.0.0.1:{port}/api/v1/jobs"
    with requests.Session() as session:
        for _ in range(20):  # wake everything up
            session.post(url, json={"kind": "noop", "params": {}}, headers={"Prefer": "wait=30"}, timeout=60)
        for _ in range(count):
            session.post(url, json={"kind": "noop", "params": {}}, timeout=30)
            time.sleep(0.05)
        session.post(url, json={"kind": "noop", "params": {}}, headers={"Prefer": "wait=30"}, timeout=60)
    connection = psycopg2.connect(stage.postgres.url)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM started_at - created_at)::float * 1000 FROM jobs ORDER BY id DESC LIMIT %s",
            (count,),
        )
        waits = [float(row[0]) for row in cursor.fetchall()]
    connection.close()
    worker.terminate()
    worker.wait(30)
    return waits


def _pickup_peer(stage: Stage, count: int) -> list[float]:
    from bench import peer_app  # noqa: PLC0415

    client = redis.Redis.from_url(stage.environment["PEER_REDIS_URL"])
    client.flushdb()
    worker = stage.start_peer_worker("forgetful", "peer")
    for _ in range(20):
        peer_app.stamp.apply_async((time.time(),))
    while client.llen("pickups") < 20:
        time.sleep(0.05)
    client.delete("pickups")
    for _ in range(count):
        peer_app.stamp.apply_async((time.time(),))
        time.sleep(0.05)
    while client.llen("pickups") < count:
        time.sleep(0.05)
    waits = [float(value) * 1000 for value in client.lrange("pickups", 0, -1)]
    worker.terminate()
    worker.wait(30)
    return waits
