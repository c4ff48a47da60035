"""Processes of a supervisor that was killed: found by what it wrote down and by what they carry."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from embedded.process_mark import ProcessMark
from embedded.room import write_private

# Every child inherits this; its value is the home it belongs to.
VARIABLE = "RECKONER_SUPERVISED"
_LONGEST_END_SECONDS = 5.0


def note(home: Path, name: str, pid: int) -> None:
    """Write down a child, for systems that don't show a process's environment."""
    records = home / "processes"
    records.mkdir(mode=0o700, exist_ok=True)
    if (mark := ProcessMark.of(pid)) is not None:
        write_private(records / name, str(mark))


def forget(home: Path, name: str) -> None:
    (home / "processes" / name).unlink(missing_ok=True)


def clear(home: Path) -> int:
    """End what is left of a run before this one; call it only under the home's lock.

    They are killed: their servers went with their supervisor, so there is nothing left to drain into, and the
    platform is built to take back what such processes held.
    """
    found = {mark.pid: mark for mark in (*_written_down(home), *_carrying(home))}
    for mark in found.values():
        mark.send(signal.SIGKILL)
    deadline = time.monotonic() + _LONGEST_END_SECONDS
    while any(mark.is_alive() for mark in found.values()) and time.monotonic() < deadline:
        time.sleep(0.01)
    for record in (home / "processes").glob("*"):
        record.unlink()
    return len(found)


def _written_down(home: Path) -> Iterator[ProcessMark]:
    for record in (home / "processes").glob("*"):
        mark = ProcessMark.parse(record.read_text())
        if mark is not None and mark.is_alive():
            yield mark


def _carrying(home: Path) -> Iterator[ProcessMark]:
    """Also grandchildren, such as the processes of a worker or of the web server (Linux only)."""
    wanted = os.fsencode(f"{VARIABLE}={home}")
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        try:
            carried = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # It ended meanwhile, or it is another user's.
        if wanted in carried and pid != os.getpid() and (mark := ProcessMark.of(pid)) is not None:
            yield mark
