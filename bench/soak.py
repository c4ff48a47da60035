"""A mixed load for as long as one asks: memory, connections, handles and tables must level off."""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

import psycopg2
import redis
import requests

from bench.stage import Stage
from bench.table import markdown

_CLIENTS = 3
_MOST_GROWTH = 1.25  # from the second quarter of the run to the last: a leak shows, a busy machine does not
_PATIENCE = 30


@dataclass(frozen=True)
class Sample:
    """What everything holds at one moment."""

    memory_mb: float
    handles: float
    sessions: float
    redis_clients: float
    redis_mb: float
    events: float
    logs: float


_NAMES = tuple(field.name for field in fields(Sample))


class Clients:
    """Submit and wait, poll, list, cancel and ask at once, in random order."""

    def __init__(self, url: str, seed: int) -> None:
        self._url = url
        self.is_over = threading.Event()
        self.jobs = 0
        self.refused: list[str] = []
        self._threads = [
            threading.Thread(target=self._work, args=(random.Random(seed + n),), daemon=True) for n in range(_CLIENTS)
        ]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        self.is_over.set()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def _work(self, rng: random.Random) -> None:
        with requests.Session() as session:
            while not self.is_over.is_set():
                try:
                    self._do_something(session, rng)
                except requests.RequestException as error:
                    self.refused.append(f"{type(error).__name__}: {error}")

    def _do_something(self, session: requests.Session, rng: random.Random) -> None:
        jobs = f"{self._url}/api/v1/jobs"
        wish = {"kind": "brief", "params": {"seconds": rng.choice([0, 0, 0, 0.1, 0.5])}}
        headers = {"Prefer": "wait=5"} if rng.random() < 0.5 else {}
        made = session.post(jobs, json=wish, headers=headers, timeout=_PATIENCE)
        self._note(made)
        self.jobs += 1
        one = f"{jobs}/{made.json().get('id')}"
        match rng.randrange(5):
            case 0:
                self._note(session.get(f"{one}?wait=2", timeout=_PATIENCE))
            case 1:
                self._note(session.post(f"{one}/cancel", json={}, timeout=_PATIENCE), also=409)
            case 2:
                self._note(session.get(jobs, params={"limit": 20}, timeout=_PATIENCE))
            case 3:
                follow = {"Accept": "text/event-stream"}
                self._note(session.get(f"{one}/events", headers=follow, timeout=_PATIENCE))
            case _:
                self._note(session.post(f"{self._url}/abacus/number", json={"number": 1}, timeout=_PATIENCE))
        time.sleep(rng.uniform(0, 0.1))

    def _note(self, answer: requests.Response, also: int = 200) -> None:
        if not answer.ok and answer.status_code != also:
            self.refused.append(f"{answer.status_code} {answer.request.method} {answer.url} {answer.text[:200]}")


def sample(stage: Stage, group: Sequence[int]) -> Sample:
    connection = psycopg2.connect(stage.postgres.url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'reckoner%'),"
                " (SELECT count(*) FROM job_events), (SELECT count(*) FROM job_logs)"
            )
            sessions, events, logs = cursor.fetchone() or (0, 0, 0)
    finally:
        connection.close()
    with redis.Redis.from_url(stage.valkey.url) as client:
        facts = client.info()
    pids = _families(group)
    return Sample(
        memory_mb=sum(map(_proportional_kb, pids)) / 1024,
        handles=sum(map(_handles, pids)),
        sessions=sessions,
        redis_clients=facts["connected_clients"],
        redis_mb=facts["used_memory"] / 1024**2,
        events=events,
        logs=logs,
    )


def _families(parents: Sequence[int]) -> list[int]:
    """These processes and all that descend from them."""
    family = list(parents)
    for pid in family:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            family += map(int, children.read_text().split())
    return family


def _proportional_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _handles(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


def grown(samples: Sequence[Sample]) -> list[str]:
    """What did not level off: the last quarter of the run holds more than the second did."""
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    return [
        name
        for name in _NAMES
        if _middle(late, name) > _middle(early, name) * _MOST_GROWTH + 5  # a few sessions more are no leak
    ]


def _middle(samples: Sequence[Sample], name: str) -> float:
    return float(median(getattr(one, name) for one in samples))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600, help="how long; below 240 the purge barely shows")
    parser.add_argument("--samples", type=int, default=40, help="how often to look")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with Stage() as stage:
        stage.environment["RECKONER_EXTRA_KINDS"] = "bench.brief.contract"
        worker = stage.start_our_worker()
        url = f"http://127.0.0.1:{stage.start_ours()}"
        group = [process.pid for process in stage.processes]
        clients = Clients(url, wanted.seed)
        samples = []
        for _ in range(max(wanted.samples, 8)):
            time.sleep(wanted.seconds / max(wanted.samples, 8))
            samples.append(sample(stage, group))
        clients.finish()
        has_ended = worker.poll() is not None
    quarter = len(samples) // 4
    shown = (samples[:1], samples[quarter : 2 * quarter], samples[-quarter:])
    rows = [[name, *(f"{_middle(part, name):,.1f}" for part in shown)] for name in _NAMES]
    print(markdown(["held", "at first", "second quarter", "last quarter"], rows))
    wrong = [*grown(samples), *clients.refused[:10], *(["the worker ended"] if has_ended else [])]
    print(f"{clients.jobs:,} jobs in {wanted.seconds:g} s; {'; '.join(wrong) or 'everything levelled off'}")
    return int(bool(wrong))
