"""Loading transactions beside COPY, pandas, SQLAlchemy and polars, in one run, as ratios.

Whole processes on a Postgres of their own, with its usual durability. Slow peers get a share of the rows, and what they
took is scaled up to all of them. Quote the ratios, not the seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2

from bench.etl_runs import PEAK
from bench.scan_runs.runs import Measured, best, run
from bench.table import markdown
from data.make_transactions import write
from embedded.postgres import Postgres
from models.migrate import migrate

ROOT = Path(__file__).parents[1]
WORK = ROOT / "bench" / ".work"
COPY, OURS, DRY = "COPY of the raw rows", "ours, end to end", "ours, reading and judging alone"
FULL = {COPY: "copy", "COPY, then an index on the id": "copy_then_index"}
SHARED = {
    "pandas.to_sql of the raw rows": "pandas_to_sql",
    "SQLAlchemy insert of the raw rows": "sqlalchemy_insert",
    "polars.write_database of the raw rows": "polars_write_database",
}
REPORT = "SELECT * FROM daily_transaction_summary LIMIT 100"
ONE_MONTH = (
    "SELECT * FROM daily_transaction_summary WHERE transaction_date BETWEEN '2024-03-01' AND '2024-03-31' LIMIT 100"
)


def file_of(rows: int) -> Path:
    """Dirty in every way that COPY lets through, so that both read the very same file."""
    path = WORK / f"transactions-{rows}.csv"
    if not path.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        write(part, rows, dirt=0.02, seed=7, is_well_formed=True)
        part.rename(path)
    return path


def measured(path: Path, rows: int, rounds: int, share: int) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="reckoner-bench-", ignore_cleanup_errors=True) as home:
            postgres = Postgres(Path(home))
            postgres.start()
            try:
                migrate(postgres.url)
                for name, each in _round(path, rows, share, postgres.url).items():
                    found.setdefault(name, []).append(each)
            finally:
                postgres.stop()
    return found


def _round(path: Path, rows: int, share: int, url: str) -> dict[str, Measured]:
    found = {name: _peer(peer, path, url, rows) for name, peer in FULL.items()}
    for name, peer in SHARED.items():
        part = _peer(peer, path, url, share)
        found[name] = replace(part, seconds=part.seconds * rows / share, cpu_seconds=part.cpu_seconds * rows / share)
    _quiet(url)
    found[OURS] = _ours("run", path, url)
    found[DRY] = _ours("dry", path, url)
    found["report"] = Measured(_milliseconds(url, REPORT), _milliseconds(url, ONE_MONTH), 0, _counts(url))
    return found


def _peer(peer: str, path: Path, url: str, rows: int) -> Measured:
    _quiet(url)
    return run([sys.executable, "-m", "bench.etl_runs.peers", peer, str(path), url, str(rows)], None, ROOT)


def _ours(command: str, path: Path, url: str) -> Measured:
    found = run([sys.executable, "-m", "bench.etl_runs.ours", command, str(path), url], None, ROOT)
    said = json.loads(found.said) if found.said.startswith("{") else {}
    return replace(found, peak_mb=max(found.peak_mb, said.pop(PEAK, 0)), said=json.dumps(said) if said else found.said)


def _ask(url: str, statement: str) -> list[Any]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


def _quiet(url: str) -> None:
    """What the one before left to be written is not to slow the next one down."""
    _ask(url, "CHECKPOINT")


def _milliseconds(url: str, statement: str) -> float:
    connection = psycopg2.connect(url)
    times = []
    with connection, connection.cursor() as cursor:
        for _ in range(20):
            started = time.perf_counter()
            cursor.execute(statement)
            cursor.fetchall()
            times.append(time.perf_counter() - started)
    connection.close()
    return sorted(times)[len(times) // 2] * 1000


def _counts(url: str) -> str:
    tables = ("raw_transactions", "charges", "rejected_transactions")
    raw, charges, rejects = (_ask(url, f"SELECT count(*) FROM {table}")[0][0] for table in tables)
    balance = "balanced" if raw == charges + rejects else "NOT BALANCED"
    return f"{raw} raw rows, {charges} charges, {rejects} rejects: {balance}"


def report(found: dict[str, list[Measured]], rows: int, share: int) -> str:
    table = {name: best(each) for name, each in found.items()}
    last = table.pop("report")
    base = table[COPY].seconds
    lines = [
        [
            name + (f" (from {share:,} rows)" if name in SHARED else ""),
            f"{each.seconds / base:.2f}x" + (" FAILED " + each.said if each.said.startswith("failed") else ""),
            f"{table[OURS].seconds / each.seconds:.2f}x",
            f"{each.seconds:.1f} ({each.cpu_seconds:.1f})",
            f"{each.peak_mb:.0f}",
        ]
        for name, each in table.items()
    ]
    head = [f"{rows:,} rows", "of COPY", "ours takes of it", "seconds (CPU of the client)", "peak MB"]
    stages = json.loads(table[OURS].said) if table[OURS].said.startswith("{") else {}
    return "\n\n".join(
        [
            markdown(head, lines),
            "stages of the last round, seconds: " + ", ".join(f"{name} {each}" for name, each in stages.items()),
            f"daily report, newest hundred rows: {last.seconds:.2f} ms; one month: {last.cpu_seconds:.2f} ms",
            last.said,
        ]
    )


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench etl", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--share", type=int, default=500_000, help="rows that the slow peers get")
    options = parser.parse_args(arguments)
    share = min(options.share, options.rows)
    text = report(measured(file_of(options.rows), options.rows, options.rounds, share), options.rows, share)
    print(text)
    (WORK / "etl.md").write_text(f"{text}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
