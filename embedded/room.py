"""The directory of one local server: its lock, its record, its password, its log, its sockets."""

import fcntl
import hashlib
import os
import secrets
import signal
import stat
import tempfile
import time
from pathlib import Path

from embedded.errors import HomeInUseError, ServerError
from embedded.process_mark import ProcessMark

# A socket's address holds 108 bytes on Linux and 104 elsewhere; the file's own name needs some of them.
_LONGEST_SOCKET_DIRECTORY = 75
_LONGEST_WAIT_SECONDS = 30.0
_POLL_SECONDS = 0.02


class Room:
    """`<home>/<name>`, for one server at a time.

    The lock is a file descriptor the server inherits: the kernel frees it when the last of the server's
    processes is gone, however it went, and no sooner. So a held lock means a living server, a free one means
    that every pid or lock file left behind is stale.
    """

    def __init__(self, home: Path, name: str) -> None:
        self.path = home.absolute() / name
        self.name = name
        self.log = self.path / "server.log"
        self._record = self.path / "record"

    def make(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.mkdir(mode=0o700, exist_ok=True)

    def lock(self) -> int:
        """Take the lock, waiting for a server whose owner is gone; the descriptor is the lock."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                try:
                    self._dismiss_orphan(hard=time.monotonic() > deadline - _LONGEST_WAIT_SECONDS / 2)
                    if time.monotonic() > deadline:
                        raise self._in_use(None)
                except HomeInUseError:
                    os.close(descriptor)
                    raise
                time.sleep(_POLL_SECONDS)
            else:
                return descriptor

    def _dismiss_orphan(self, *, hard: bool) -> None:
        """Stop a server whose owner died without stopping it; refuse to touch one whose owner lives."""
        owner, server = self.record()
        if server is None or not server.is_alive():
            return  # It is going down, or its record isn't written yet.
        if owner is not None and owner.is_alive():
            raise self._in_use(owner)
        # Both servers take SIGINT as "finish quickly, lose nothing".
        server.send(signal.SIGKILL if hard else signal.SIGINT)

    def _in_use(self, owner: ProcessMark | None) -> HomeInUseError:
        by = f"by process {owner.pid}" if owner else "by a process that doesn't end"
        return HomeInUseError(
            f"{self.path} is in use {by}; stop that copy, or give this one a home of its own (RECKONER_HOME)"
        )

    def note(self, server_pid: int) -> None:
        """Record who owns the server, for the start after a crash."""
        marks = (ProcessMark.of(os.getpid()), ProcessMark.of(server_pid))
        write_private(self._record, "".join(f"{mark or ''}\n" for mark in marks))

    def record(self) -> tuple[ProcessMark | None, ProcessMark | None]:
        """The last owner and server, or None for what is not known."""
        try:
            lines = self._record.read_text().splitlines()
        except FileNotFoundError:
            return None, None
        owner, server = (ProcessMark.parse(line) for line in (*lines, "", "")[:2])
        return owner, server

    def password(self) -> str:
        """The server's password, made once per home and readable by its user alone."""
        path = self.path / "password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text().strip()

    def socket_directory(self) -> Path:
        """A private directory short enough for a socket address, the same one at each start."""
        inside = self.path / "sockets"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET_DIRECTORY:
            inside.mkdir(mode=0o700, exist_ok=True)
            return inside
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        outside = Path(tempfile.gettempdir()) / f"reckoner-{os.geteuid()}-{digest}"
        outside.mkdir(mode=0o700, exist_ok=True)
        facts = outside.lstat()
        # Anybody may make names in a temporary directory: use it only if it is ours and closed to others.
        # The owner may be `nobody`, to whom a start by root handed it.
        if not stat.S_ISDIR(facts.st_mode) or (os.geteuid() not in {0, facts.st_uid}) or facts.st_mode & 0o077:
            raise ServerError(f"{outside} exists and is not ours alone; remove it or set TMPDIR")
        return outside

    def open_log(self) -> int:
        """Start a new log; the one before is kept beside it."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def log_tail(self, lines: int = 15) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)
