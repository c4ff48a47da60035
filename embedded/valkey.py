"""A real Valkey (or Redis) with its append-only file in the home, started and stopped by us."""

import signal
import socket
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from embedded import binaries
from embedded.errors import ServerError
from embedded.ports import LOOPBACK
from embedded.room import write_private
from embedded.server import Server

# Every setting that differs from the server's own default, with its reason.
SETTINGS = {
    # Nobody beyond this machine can reach it.
    "bind": LOOPBACK,
    "unixsocketperm": "700",
    # A restart has to find the queue and the running sum as they were.
    "appendonly": "yes",
    # At most the last second is lost in a power cut, nothing in a crash; the jobs themselves are in Postgres.
    "appendfsync": "everysec",
    # The append-only file is the one copy; snapshots would fork and write the same again.
    "save": '""',
    # A full queue must refuse to grow; evicting keys would drop messages and sums in silence.
    "maxmemory-policy": "noeviction",
    # Twenty lines at each start and more with each rewrite of the file would bury the platform's log.
    "loglevel": "warning",
}
# A test's data has to survive a killed server, but no power cut.
NOT_DURABLE = {"appendfsync": "no"}

_FIRST_WITH_APPEND_ONLY_DIRECTORY = 7


class Valkey(Server):
    """Data in `<home>/valkey/data`; clients need a password made for this home."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, home: Path, port: int | None = None, *, program: Path | None = None, **settings: Any) -> None:
        super().__init__(home, port, **settings)
        self._override = program

    @property
    def url(self) -> str:
        return f"redis://:{self.room.password()}@{LOOPBACK}:{self.port}/0"

    @property
    def data(self) -> Path:
        return self.room.path / "data"

    @cached_property
    def _program(self) -> binaries.Program:
        return binaries.valkey(self._override)

    def _prepare(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._refuse_a_strangers_data()
        settings = SETTINGS if self.durable else SETTINGS | NOT_DURABLE
        write_private(
            self._conf,
            "".join(f"{name} {value}\n" for name, value in settings.items())
            + f"port {self.port}\n"
            + f"dir {_quoted(self.data)}\n"
            + f"unixsocket {_quoted(self.room.socket_directory() / 'valkey')}\n"
            # In a file only we can read, because a command line can be read by everybody.
            + f"requirepass {self.room.password()}\n",
        )

    @property
    def _conf(self) -> Path:
        return self.room.path / "valkey.conf"

    def _refuse_a_strangers_data(self) -> None:
        """Valkey and Redis don't read each other's append-only directories, nor an old one a new one's."""
        kind = "redis" if "redis" in self._program.path.name else "valkey"
        if self._program.major < _FIRST_WITH_APPEND_ONLY_DIRECTORY:
            raise ServerError(f"{self._program.path} is version {self._program.version}; 7 or later is needed")
        note = self.data / "made-by"
        if not note.exists():
            note.write_text(f"{kind} {self._program.version}\n")
        made_by, version = note.read_text().split()
        if made_by != kind or int(version.split(".")[0]) > self._program.major:
            raise ServerError(
                f"{self.data} was made by {made_by} {version}, this is {kind} {self._program.version}: "
                "run that one, or move it away to start empty (jobs are in Postgres and are published again)"
            )

    def _command(self) -> Sequence[str]:
        return [str(self._program.path), str(self._conf)]

    def _is_ready(self, pid: int) -> bool:
        """Whether it answers PING with our password; while it loads its data it says LOADING instead."""
        del pid  # The password is this home's own: no other server would take it.
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=5) as connection:
                connection.sendall(f"AUTH {self.room.password()}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < len(("AUTH", "PING")):
                    if not (received := connection.recv(256)):
                        return False
                    answer += received
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
