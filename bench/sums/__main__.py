"""Measure in turns, so that a noisy machine is noisy for both: prints each round's figures and the median ratios."""

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
from redis import Redis

from bench.sums.load import Measured, run
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.valkey import Valkey
from models.migrate import migrate

START_TRIES = 600  # a busy machine starts slowly
ROOT = Path(__file__).parents[2]
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
            command = ["granian", "bench.sums.bare:app", "--host", "127.0.0.1", "--port", str(port), *BARE]
        else:
            command = ["granian", "bench.sums.inside:front", "--host", "127.0.0.1", "--port", str(port), *OURS]
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--nodes", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args()
    for count in options.nodes:
        with (
            tempfile.TemporaryDirectory() as folder,
            Postgres(Path(folder)) as postgres,
            Valkey(Path(folder)) as valkey,
        ):
            migrate(postgres.url)
            environment = {"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url, "RECKONER_HOME": folder}
            rounds = compare(count, options, environment)
            with Redis.from_url(valkey.url) as redis:
                redis.ping()
        print(
            f"\n{count} node(s), {options.clients} clients, {options.rounds} rounds in turns of {options.seconds:g} s"
        )
        bare = rounds[BARE_FLASK]
        for name, measured in rounds.items():
            ratio = statistics.median(
                one.per_second / peer.per_second for one, peer in zip(measured, bare, strict=True)
            )
            tail = statistics.median(one.p99_ms / peer.p99_ms for one, peer in zip(measured, bare, strict=True))
            print(
                f"{name:28} {statistics.median(one.per_second for one in measured):8,.0f} adds/s"
                f"  p50 {statistics.median(one.p50_ms for one in measured):6.2f} ms"
                f"  p99 {statistics.median(one.p99_ms for one in measured):6.2f} ms"
                f"  {ratio:5.2f}x the adds, {tail:4.2f}x the p99"
            )


if __name__ == "__main__":
    main()
