"""Clients that keep sending jobs, and repeat what was not acknowledged with the same Idempotency-Key."""

import random
import threading
import time
from dataclasses import dataclass, field

import requests

from tests.chaos import ledger

_PATIENCE = 120  # seconds a client keeps repeating
_LATER = {409, 429, 503}  # "in flight", "slower", "not now": all of them say come again


@dataclass
class Order:
    """One thing a client wants done once, and what it was told."""

    label: str
    kind: str
    params: dict
    is_long: bool = False
    ids: set[str] = field(default_factory=set)
    repeats: int = 0
    surprises: list[str] = field(default_factory=list)


def orders(run, count, rng, *, long_seconds, saving):
    """A mix: most end at once, some take a moment, two work through the whole disturbance, and a file is loaded."""
    mixed = [_order(f"{run}-{number}", rng, saving=saving) for number in range(count - 5)]
    rng.shuffle(mixed)
    # Without effects their work is not tied to one session of Postgres: nothing may touch them.
    long = [_probe(f"{run}-long-{n}", seconds=long_seconds, effect=False) for n in range(2)]
    for order in long:
        order.is_long = True
    loaded = Order(f"{run}-etl", "etl", {"filepath": ledger.file_of(run)})
    scan = Order(f"{run}-scan", "two_sum", {"filepath": "entries.csv", "target": 1999})
    # A workbook's pairs are files, which must be there once.
    book = Order(f"{run}-book", "two_sum", {"filepath": "entries.xlsx", "target": 1001, "mode": "all"})
    return [*long, loaded, book, scan, *mixed]


def _order(label, rng, *, saving):
    seconds = rng.choices([0, 0.2, 1.0], [6, 3, 1])[0]
    return _probe(label, seconds=seconds, save_bytes=1024**2 if saving else 0)


def _probe(label, **params):
    return Order(label, "probe", {**params, "label": label})


class Load:
    """Four clients that send a list of orders at an even pace, to any node that takes them."""

    def __init__(self, urls, run, wanted, *, per_second, seed):
        self._urls = urls  # asked anew each time: nodes come and go
        self._run = run
        self._wanted = wanted
        self._pace = per_second
        self._seed = seed
        self._next = iter(enumerate(wanted))
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(4)]

    def start(self):
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def finish(self):
        for thread in self._threads:
            thread.join()

    def _work(self, number):
        rng = random.Random(self._seed * 1000 + number)
        with requests.Session() as session:
            while True:
                with self._lock:
                    turn = next(self._next, None)
                if turn is None:
                    return
                place, order = turn
                time.sleep(max(0, self._began + place / self._pace - time.monotonic()))
                self._send(session, order, rng)
                if rng.random() < 0.2:  # a client that did not believe its 202
                    order.repeats += 1
                    self._send(session, order, rng)

    def _send(self, session, order, rng):
        deadline = time.monotonic() + _PATIENCE
        body = {"kind": order.kind, "params": order.params, "tags": [self._run]}
        while time.monotonic() < deadline:
            try:
                url = f"{rng.choice(self._urls())}/api/v1/jobs"
                answer = session.post(url, json=body, headers={"Idempotency-Key": order.label}, timeout=15)
            except requests.RequestException:
                answer = None
            if answer is not None and answer.status_code in {200, 202}:
                order.ids.add(answer.json()["id"])
                return
            if answer is not None and answer.status_code not in _LATER:
                order.surprises.append(f"{answer.status_code} {answer.text[:200]}")
            order.repeats += 1
            time.sleep(0.2)
        order.surprises.append("never acknowledged")
