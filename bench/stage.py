"""Servers and processes that a measurement needs, started from wheels and stopped at its end."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg2
import requests

from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.valkey import Valkey
from models.migrate import migrate

ROOT = Path(__file__).parent.parent
_PEER_TABLE = (
    "CREATE TABLE peer_jobs (id uuid PRIMARY KEY, kind text, status text, params jsonb, created_at timestamptz)"
)


class Stage:
    """One Postgres and one Valkey with their usual durability, and what is started on them."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="reckoner-bench-", ignore_cleanup_errors=True)
        home = Path(self._folder.name)
        self.postgres = Postgres(home)
        self.valkey = Valkey(home)
        self.postgres.start()
        self.valkey.start()
        migrate(self.postgres.url)
        connection = psycopg2.connect(self.postgres.url)
        with connection, connection.cursor() as cursor:
            cursor.execute(_PEER_TABLE)
        connection.close()
        self.environment = {
            **os.environ,
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "PEER_DATABASE_URL": self.postgres.url,
            "PEER_REDIS_URL": self.valkey.url.rsplit("/", 1)[0] + "/9",
            "RECKONER_HOME": str(home),
            "RECKONER_EXTRA_KINDS": "bench.noop.contract,bench.carry.contract",
            "LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(ROOT),
        }
        self._home = home
        self._port: int | None = None
        self.processes: list[subprocess.Popen[bytes]] = []
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.valkey.stop()
        self.postgres.stop()
        self._folder.cleanup()

    def start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self._home / f"{len(self.processes)}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                env={**self.environment, **environment},
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def start_ours(self) -> int:
        """Our API's port; started once."""
        if self._port is None:
            port = free_port()
            self.start("api", PORT=str(port))
            self._port = self._answering(port, "/livez")
        return self._port

    def start_peer(self) -> int:
        port = free_port()
        options = ("--interface", "wsgi", "--port", str(port), "--workers", "2", "--blocking-threads", "1")
        self.start("granian", *options, "--no-ws", "--log-level", "warning", "bench.peer_app:app")
        return self._answering(port, "/nothing")

    def start_our_worker(self, concurrency: int = 2, queues: str = "quick,heavy") -> subprocess.Popen[bytes]:
        arguments = ("worker", "-Q", queues, "--without-mingle", "--without-gossip", "--without-heartbeat")
        return self.start("celery", "-A", "workers.entry", *arguments, RECKONER_WORKER_CONCURRENCY=str(concurrency))

    def start_peer_worker(self, app: str, queue: str, concurrency: int = 2) -> subprocess.Popen[bytes]:
        arguments = ("worker", "-Q", queue, "-c", str(concurrency), "--without-mingle", "--without-gossip")
        return self.start("celery", "-A", f"bench.peer_app:{app}", *arguments, "--without-heartbeat", "-l", "WARNING")

    def _answering(self, port: int, path: str) -> int:
        deadline = time.monotonic() + 60
        while True:
            try:
                if requests.get(f"http://127.0.0.1:{port}{path}", timeout=2).ok:
                    return port
            except requests.ConnectionError:
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing answers on port {port}")
            time.sleep(0.1)
