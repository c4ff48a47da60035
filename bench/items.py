"""Items from the cache and analytics over millions of orders, each beside its limit: `python -m bench items`."""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import redis
import requests

from bench.bare_flask import KEY
from bench.keepalive import Measured, measure
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.valkey import Valkey
from models import order_analytics
from models.migrate import migrate
from models.session import Database

_FILL = """
INSERT INTO orders (customer_id, amount, status, created_at)
SELECT 1 + floor(random() * %s), round((random() * 1000)::numeric, 2),
       (ARRAY['PENDING', 'PAID', 'CANCELLED'])[1 + floor(random() * 3)], now() - random() * interval '365 days'
FROM generate_series(1, %s)
"""
_BARE_BY_STATUS = """
SELECT status, count(*), sum(amount) FROM orders WHERE created_at >= now() - interval '30 days'
AND created_at <= now() GROUP BY status ORDER BY 3 DESC, 1
"""
_BARE_TOP = "SELECT customer_id, sum(amount), count(*) FROM orders GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 5"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=5_000_000)
    parser.add_argument("--customers", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=4.0, help="of load for each figure")
    parts = ("inserts", "analytics", "http")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, Valkey(Path(folder)) as valkey, Postgres(Path(folder)) as postgres:
        migrate(postgres.url)
        with _connected(postgres.url) as cursor:
            if "inserts" in options.parts:
                _inserts(postgres.url, cursor, options.customers)
            if "analytics" in options.parts:
                _analytics(postgres.url, cursor, options.orders, options.customers)
        if "http" in options.parts:
            with _serving(postgres.url, valkey.url, folder) as (api, bare):
                _items(api, bare, valkey.url, options.seconds)
                _routes(api, options.seconds)
    return 0


def _inserts(url: str, cursor: Any, customers: int) -> None:
    print("\nOrders added per second: without the rollups, with them, times dearer")
    for size, count in ((1, 3000), (100, 20_000), (1000, 50_000), (10_000, 100_000)):
        _row(f"{size} a statement", *_both(cursor, partial(_batches, cursor, count, size, customers)))
    _row("8 clients, 1 a statement", *_both(cursor, lambda: _at_once(url, 8, 6000, customers)))


def _both(cursor: Any, run: Callable[[], float]) -> tuple[float, float]:
    """Three rounds each, taking turns, so that a noisy neighbour disturbs both; the median counts."""
    rates: dict[str, list[float]] = {"DISABLE": [], "ENABLE": []}
    for _ in range(3):
        for state, kept in rates.items():
            cursor.execute(f"ALTER TABLE orders {state} TRIGGER USER")
            kept.append(run())
    return statistics.median(rates["DISABLE"]), statistics.median(rates["ENABLE"])


def _row(what: str, bare: float, ours: float) -> None:
    print(f"  {what:28} {bare:10,.0f} {ours:10,.0f} {bare / ours:8.2f}x")


def _batches(cursor: Any, count: int, size: int, customers: int) -> float:
    began = time.perf_counter()
    for _ in range(count // size):
        cursor.execute(_insert(size, customers))
    return count / (time.perf_counter() - began)


def _insert(size: int, customers: int) -> str:
    rows = (
        f"({1 + random.randrange(customers)}, {random.randrange(100_000) / 100}, 'PAID', now())" for _ in range(size)
    )
    return f"INSERT INTO orders (customer_id, amount, status, created_at) VALUES {', '.join(rows)}"


def _at_once(url: str, clients: int, count: int, customers: int) -> float:
    def work() -> None:
        with _connected(url) as cursor:
            for _ in range(count // clients):
                cursor.execute(_insert(1, customers))

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count / (time.perf_counter() - began)


def _analytics(url: str, cursor: Any, orders: int, customers: int) -> None:
    cursor.execute("ALTER TABLE orders ENABLE TRIGGER USER")
    cursor.execute("TRUNCATE orders")
    began = time.perf_counter()
    for done in range(0, orders, 500_000):
        cursor.execute(_FILL, (customers, min(500_000, orders - done)))
    print(f"\n{orders:,} orders of {customers:,} customers, filled in {time.perf_counter() - began:.0f} s with rollups")
    cursor.execute("VACUUM ANALYZE")
    db = Database(url, pool_size=1)
    with db.connect() as connection:
        ours = {
            "orders by status, 30 days": lambda: order_analytics.orders_by_status(
                connection, days=30, customer_id=None
            ),
            "top 5 customers": lambda: order_analytics.top_customers(connection, limit=5),
        }
        bare = {"orders by status, 30 days": _BARE_BY_STATUS, "top 5 customers": _BARE_TOP}
        print("Milliseconds, median (p99): bare SQL, ours, times quicker")
        for what, ask in ours.items():
            slow = [_timed(partial(_fetch, cursor, bare[what])) for _ in range(3)]
            quick = sorted(_timed(ask) for _ in range(300))
            middle, worst = statistics.median(quick), quick[297]
            limit = statistics.median(slow)
            print(f"  {what:28} {limit:10,.1f} {middle:10.2f} ({worst:.2f}) {limit / middle:8,.0f}x")
    db.close()


def _fetch(cursor: Any, statement: str) -> None:
    cursor.execute(statement)
    cursor.fetchall()


def _timed(ask: Callable[[], Any]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def _items(api: str, bare: str, redis_url: str, seconds: float) -> None:
    for number in range(300):
        requests.post(f"{api}/api/v1/items", json={"title": f"item {number}", "description": "text"}, timeout=10)
    requests.get(f"{api}/api/v1/items?limit=20", timeout=10)
    body = requests.get(f"{api}/api/v1/items?limit=20", timeout=10).content
    with redis.Redis.from_url(redis_url) as client:
        client.set(KEY, body)
    print(f"\nGET /api/v1/items from cache, {len(body):,} bytes, 16 clients: per second (p50/p99 ms)")
    limits, ours = [], []
    for _ in range(3):
        limits.append(measure(f"{bare}/bytes", seconds=seconds))
        ours.append(measure(f"{api}/api/v1/items?limit=20", seconds=seconds))
    limit, own = _middle(limits), _middle(ours)
    _load("bare Flask + Redis GET", limit)
    _load("ours", own)
    print(f"  ratio {own.per_second / limit.per_second:.2f}x")


def _routes(api: str, seconds: float) -> None:
    print("\nAnalytics over HTTP, 16 clients and one: per second (p50/p99 ms)")
    for path in ("orders/status", "customers/top"):
        for clients in (16, 1):
            url = f"{api}/api/v1/analytics/{path}"
            _load(f"{path}, {clients}", measure(url, clients=clients, seconds=seconds))


def _middle(rounds: list[Measured]) -> Measured:
    return sorted(rounds, key=lambda each: each.per_second)[len(rounds) // 2]


def _load(what: str, found: Measured) -> None:
    errors = f" {found.errors} ERRORS" if found.errors else ""
    print(f"  {what:28} {found.per_second:10,.0f} ({found.p50_ms:.2f}/{found.p99_ms:.2f}){errors}")


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        yield connection.cursor()
    finally:
        connection.close()


@contextmanager
def _serving(database_url: str, redis_url: str, home: str) -> Iterator[tuple[str, str]]:
    """Our API, and bare Flask on the same server with as many processes."""
    ports = [free_port(), free_port()]
    environment = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "RECKONER_HOME": home}
    environment |= {"PORT": str(ports[0]), "LOG_LEVEL": "WARNING"}
    bare = ["granian", "--interface", "wsgi", "--workers", "2", "--blocking-threads", "1", "--no-ws", "--http", "1"]
    commands = [
        [sys.executable, "-m", "api"],
        [sys.executable, "-m", *bare, "--port", str(ports[1]), "--log-level", "error", "bench.bare_flask:app"],
    ]
    running = [subprocess.Popen(command, env=environment) for command in commands]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        for url in (f"{urls[0]}/livez", f"{urls[1]}/"):
            _await(url)
        yield urls[0], urls[1]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(20)


def _await(url: str) -> None:
    for _ in range(300):
        try:
            requests.get(url, timeout=1)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing answers at {url}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
