"""Submit and poll over HTTP beside plain Flask with Celery, INSERT alone and a Redis GET, behind the same server."""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from collections.abc import Callable
from statistics import median

import psycopg2
import redis
import requests
from psycopg2.extras import execute_values

from bench.load import burst, get, post
from bench.stage import Stage
from bench.table import markdown, ratio, spread

_BODY = json.dumps({"kind": "noop", "params": {}}).encode()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench http", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="per burst")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--batch", type=int, default=10_000, help="jobs in one request")
    options = parser.parse_args(arguments)
    with Stage() as stage:
        ours, peer = stage.start_ours(), stage.start_peer()
        job, etag, document = _ended_job(stage, ours)
        redis.Redis.from_url(stage.environment["PEER_REDIS_URL"]).set("peer-document", document)
        plan: dict[str, tuple[int, Callable[[], bytes]]] = {
            "submit, durable": (ours, lambda: post("/api/v1/jobs", _BODY)),
            "Flask + apply_async, not durable": (peer, lambda: post("/apply_async", b"{}")),
            "Flask + INSERT alone": (peer, lambda: post("/insert", b"{}")),
            "poll": (ours, lambda: get(f"/api/v1/jobs/{job}")),
            "poll, unchanged (304)": (ours, lambda: get(f"/api/v1/jobs/{job}", **{"If-None-Match": etag})),
            "Flask + Redis GET": (peer, lambda: get("/redis")),
            "Flask, nothing": (peer, lambda: get("/nothing")),
        }
        rates: dict[str, list[float]] = {name: [] for name in plan}
        tails: dict[str, list[float]] = {name: [] for name in plan}
        batches: dict[str, list[float]] = {name: [] for name in ("jobs:batch", "multi-row INSERT alone")}
        for number in range(options.rounds + 1):
            for name, (port, make) in plan.items():
                seen = burst(port, make, clients=options.clients, seconds=options.seconds)
                if seen.refused:
                    print(f"{name}: {seen.refused} of {len(seen.latencies)} refused", file=sys.stderr)
                    return 1
                if number:  # the first round warms up
                    rates[name].append(seen.per_second)
                    tails[name].append(seen.percentile(0.99))
            measured = _batch_over_http(ours, options.batch), _insert_rows(stage, options.batch)
            for kept, rate in zip(batches.values(), measured, strict=True):
                kept.extend([rate] if number else [])
    print(f"{options.clients} clients, {options.rounds} rounds of {options.seconds:g} s, 2 processes each\n")
    rows = [[name, spread(rates[name]), f"{median(tails[name]):.1f}"] for name in plan]
    print(markdown(["", "requests/s (min to max)", "p99 ms"], rows))
    compared = [
        ("submit, durable", "Flask + apply_async, not durable", ">= 1.0"),
        ("submit, durable", "Flask + INSERT alone", ">= 0.9"),
        ("poll", "Flask + Redis GET", ">= 1.0"),
        ("poll, unchanged (304)", "Flask + Redis GET", ">= 1.0"),
    ]
    ratios = [[f"{a} / {b}", ratio(rates[a], rates[b]), goal] for a, b, goal in compared]
    together = (batches["jobs:batch"], batches["multi-row INSERT alone"])
    ratios.append(["jobs:batch / multi-row INSERT alone", ratio(*together), ">= 0.33"])
    print(f"\nJobs a second in one request of {options.batch:,}, and rows a second in one statement:\n")
    print(markdown(["", "a second (min to max)"], [[name, spread(rates)] for name, rates in batches.items()]))
    print("\n" + markdown(["ratio", "median (min to max)", "goal"], ratios))
    return 0


def _batch_over_http(port: int, count: int) -> float:
    body = json.dumps({"jobs": [{"kind": "noop", "params": {}}] * count}).encode()
    began = time.perf_counter()
    answer = requests.post(
        f"http://127.0.0.1:{port}/api/v1/jobs:batch",
        data=body,
        headers={"Content-Type": "application/json"},
        timeout=60,
    )
    seconds = time.perf_counter() - began
    answer.raise_for_status()
    return count / seconds


def _insert_rows(stage: Stage, count: int) -> float:
    """The peer's narrow table, one statement, one commit: what psycopg2 can do at best without COPY."""
    rows = [(str(uuid.uuid4()), "noop", "queued", "{}") for _ in range(count)]
    connection = psycopg2.connect(stage.postgres.url)
    began = time.perf_counter()
    with connection, connection.cursor() as cursor:
        statement = "INSERT INTO peer_jobs (id, kind, status, params, created_at) VALUES %s"
        execute_values(cursor, statement, rows, "(%s, %s, %s, %s, now())", page_size=count)
    seconds = time.perf_counter() - began
    connection.close()
    return count / seconds


def _ended_job(stage: Stage, port: int) -> tuple[str, str, bytes]:
    """A job that has ended, its ETag and its document, for polls and for the peer's Redis."""
    worker = stage.start_our_worker()
    url = f"http://127.0.0.1:{port}/api/v1/jobs"
    job = requests.post(url, data=_BODY, headers={"Content-Type": "application/json"}, timeout=30).json()["id"]
    deadline = time.monotonic() + 60
    while requests.get(f"{url}/{job}?wait=10", timeout=30).json()["status"] != "succeeded":
        if time.monotonic() > deadline:
            raise TimeoutError("the first job does not end")
    worker.terminate()
    worker.wait(30)
    answer = requests.get(f"{url}/{job}", timeout=10)
    return job, answer.headers["ETag"], answer.content
