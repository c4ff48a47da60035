"""The whole platform as it runs in earnest: two API nodes, two worker groups, two beats, servers of their own."""

import contextlib
import os
import signal
import time
from pathlib import Path

import openpyxl
import requests
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.valkey import Valkey
from models.migrate import migrate
from tests.chaos.disk import Disk
from tests.chaos.wire import Wire
from tests.running import Client, RunningPlatform, eventually

APIS = ("api-1", "api-2")
GROUPS = ("left", "right")
BEATS = ("beat-1", "beat-2")
SLOTS = 3  # in each group


class Stage(RunningPlatform):
    """Everything runs; `right` reaches its servers over wires that can be cut."""

    def __init__(self, home: Path, *, lease, durable):
        home.mkdir(parents=True)
        self.lease = lease
        self.disk = Disk(home / "files")
        self.postgres = Postgres(home, durable=durable).start()
        self.valkey = Valkey(home, durable=durable).start()
        self.postgres_wire, self.valkey_wire = Wire(self.postgres.port), Wire(self.valkey.port)
        migrate(self.postgres.url)
        # Two seconds of drain, so that a rolling restart both finishes and hands back.
        super().__init__(self.postgres.url, self.valkey.url, home, lease=lease, drain=2)
        self.look("CREATE TABLE probe_effects (job_id uuid, attempt int, at timestamptz)")
        (home / "data" / "entries.csv").write_text("\n".join(["Numbers", *map(str, range(1, 1001))]) + "\n")
        self._write_workbook(home / "data" / "entries.xlsx")
        self.urls = {}
        for name in APIS:
            self.start_node(name)
        for name in GROUPS:
            self.start_group(name)
        for name in BEATS:
            self.start_clock(name)
        eventually(self.is_whole, seconds=180)

    @staticmethod
    def _write_workbook(path):
        book = openpyxl.Workbook()
        for value in ("Numbers", *range(1, 1001)):
            book.active.append([value])
        book.save(path)

    def start_node(self, name, **environment):
        port = free_port()
        self.urls[name] = f"http://127.0.0.1:{port}"
        self.start(name, "api", PORT=str(port), NODE_ID=name, **environment)

    def start_group(self, name, **environment):
        over_wires = {
            "DATABASE_URL": self.postgres_wire.through(self.postgres.url),
            "REDIS_URL": self.valkey_wire.through(self.valkey.url),
        }
        wired = over_wires if name == "right" else {}
        self.start_worker(name, concurrency=SLOTS, wait=False, NODE_ID=name, **wired, **environment)

    def start_clock(self, name):
        self.start_beat(name, RECKONER_TIMETABLE="tests.kinds.timetable", NODE_ID=name)

    def restart(self, name, **environment):
        """Put a new process in the place of one that is gone."""
        start = {"api": self.start_node, "beat": self.start_clock}.get(name.partition("-")[0], self.start_group)
        start(name, **environment)

    def end(self, name, how):
        """Send a signal and wait for the end: SIGKILL to all of its processes, anything else to the first."""
        with contextlib.suppress(ProcessLookupError):
            (self.kill_group if how == signal.SIGKILL else self.kill)(name, how)
        self.wait_gone(name, seconds=60)

    def nodes(self):
        return list(self.urls.values())

    def client_of(self, name):
        return Client(self.urls[name])

    def look(self, statement, **facts):
        """Ask the database directly, again until it answers."""
        url = make_url(self.postgres.url).set(drivername="postgresql+psycopg2")
        engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        deadline = time.monotonic() + 60
        while True:
            try:
                with engine.connect() as connection:
                    result = connection.execute(text(statement), facts)
                    return result.all() if result.returns_rows else []
            except OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def now(self):
        return self.look("SELECT clock_timestamp()")[0][0]

    def is_whole(self):
        """Every process lives and says so."""
        dead = [name for name, process in self.processes.items() if process.poll() is not None]
        assert not dead, f"{dead} ended by themselves: {[self.log(name)[-2000:] for name in dead]}"
        seen = (
            "SELECT hostname FROM workers WHERE status = 'online'"
            " AND last_seen_at > clock_timestamp() - interval '15 seconds'"
        )
        return {row.hostname for row in self.look(seen)} == set(GROUPS) and all(map(_is_ready, self.nodes()))

    def pids(self, *names):
        """All processes of these, children and their children too."""
        groups = {self.processes[name].pid for name in names or self.processes}
        return [int(found.name) for found in Path("/proc").glob("[0-9]*") if _group_of(int(found.name)) in groups]

    def memory_mb(self):
        """What all our processes hold, shared pages counted once."""
        return sum(map(_proportional_kb, self.pids())) / 1024

    def close(self):
        """End everything, whatever state it is in; what matters was checked before."""
        for name in list(self.processes):
            with contextlib.suppress(ProcessLookupError):
                self.kill_group(name, signal.SIGCONT)
            self.end(name, signal.SIGKILL)
        self.postgres.stop()
        self.valkey.stop()
        for wire in (self.postgres_wire, self.valkey_wire):
            wire.close()
        self.disk.close()


def _is_ready(url):
    try:
        return requests.get(f"{url}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def _group_of(pid):
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _proportional_kb(pid):
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
