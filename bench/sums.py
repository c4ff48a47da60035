"""The running sum beside bare INCRBY behind the same web server, in turns, so that a noisy machine is so for both."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from bench.sum_runs.load import Measured, run
from bench.table import markdown, ratio, spread
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.valkey import Valkey
from models.migrate import migrate

START_TRIES = 600  # a busy machine starts slowly
ROOT = Path(__file__).parents[1]
OURS = ("--interface", "rsgi", "--workers", "1", "--runtime-threads", "1", "--no-ws", "--log-level", "warning")
BARE = ("--interface", "wsgi", "--workers", "1", "--blocking-threads", "1", "--no-ws", "--log-level", "warning")
BARE_FLASK, INSIDE, KEYED = "bare INCRBY, bare Flask", "bare INCRBY, our front", "reckoner, keyed"


@contextmanager
def node(command: Sequence[str], port: int, environment: dict[str, str]) -> Iterator[int]:
    """A server process that answers before it is measured."""
    process = subprocess.Popen([sys.executable, "-m", *command], env={**os.environ, **environment}, cwd=ROOT)
    try:
        for _ in range(START_TRIES):
            try:
                requests.post(f"http://127.0.0.1:{port}/abacus/number", json={"number": 1}, timeout=30)
                break
            except requests.ConnectionError:
                time.sleep(0.2)
        else:
            sys.exit(f"{' '.join(command)} does not answer")
        yield port
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def nodes(stack: ExitStack, name: str, count: int, environment: dict[str, str]) -> list[int]:
    ports = []
    for number in range(count):
        port = free_port()
        if name == "bare":
            command = ["granian", "bench.sum_runs.bare:app", "--host", "127.0.0.1", "--port", str(port), *BARE]
        else:
            command = ["granian", "bench.sum_runs.inside:front", "--host", "127.0.0.1", "--port", str(port), *OURS]
        own = {"PORT": str(port), "NODE_ID": f"{name}{number}", "RECKONER_API_WORKERS": "1", "LOG_LEVEL": "WARNING"}
        ports.append(stack.enter_context(node(command, port, environment | own)))
    return ports


def compare(count: int, options: argparse.Namespace, environment: dict[str, str]) -> dict[str, list[Measured]]:
    rounds: dict[str, list[Measured]] = {name: [] for name in (BARE_FLASK, INSIDE, "reckoner", KEYED)}
    with ExitStack() as stack:
        ports = {name: nodes(stack, name, count, environment) for name in ("bare", "reckoner")}
        for _ in range(options.rounds):
            for name, measured in rounds.items():
                at = ports["bare" if name == BARE_FLASK else "reckoner"]
                key = uuid.uuid4().hex if name == KEYED else None
                path = "/bare/number" if name == INSIDE else "/abacus/number"
                measured.append(run(at, clients=options.clients, seconds=options.seconds, path=path, key=key))
        said = requests.get(f"http://127.0.0.1:{ports['reckoner'][0]}/api/v1/abacus/default/statement", timeout=60)
        answer = said.json()
        added = sum(one.answers for name in ("reckoner", KEYED) for one in rounds[name]) + count
        if not (answer["explained"] and answer["sum"] == added):
            sys.exit(f"the history does not explain the sum: {answer}, added {added}")
    return rounds


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench sums", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--nodes", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args(arguments)
    for count in options.nodes:
        with (
            tempfile.TemporaryDirectory() as folder,
            Postgres(Path(folder)) as postgres,
            Valkey(Path(folder)) as valkey,
        ):
            migrate(postgres.url)
            environment = {"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url, "RECKONER_HOME": folder}
            rounds = compare(count, options, environment)
        print(
            f"{count} node(s), {options.clients} clients, {options.rounds} rounds in turns of {options.seconds:g} s\n"
        )
        print(
            markdown(
                ["", "adds/s (min to max)", "of the bare one", "p50 ms", "p99 ms", "of the bare one"], _rows(rounds)
            )
        )
        print()
    return 0


def _rows(rounds: dict[str, list[Measured]]) -> list[list[str]]:
    bare, rows = rounds[BARE_FLASK], []
    for name, measured in rounds.items():
        rates, tails = [one.per_second for one in measured], [one.p99_ms for one in measured]
        median = f"{statistics.median(one.p50_ms for one in measured):.2f}"
        compared = ratio(rates, [one.per_second for one in bare]), ratio(tails, [one.p99_ms for one in bare])
        rows.append([name, spread(rates), compared[0], median, f"{statistics.median(tails):.2f}", compared[1]])
    return rows
