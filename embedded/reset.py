"""Delete a home with all its data, once nothing runs in it any more."""

import os
import shutil
from pathlib import Path

from embedded import leftovers
from embedded.errors import ServerError
from embedded.home_lock import lock_home
from embedded.room import Room

# What a home of ours has; a directory without it may be somebody's documents.
_SIGN = "supervisor.lock"


def delete_home(home: Path) -> None:
    """Refuses a directory that is no home, and one in use."""
    if not (home / _SIGN).exists():
        raise ServerError(f"{home} is not a home of this platform: nothing is deleted")
    lock = lock_home(home)
    try:
        leftovers.clear(home)
        for name in ("postgres", "valkey"):
            _delete_server(Room(home, name))
        shutil.rmtree(home)
    finally:
        os.close(lock)


def _delete_server(room: Room) -> None:
    if not room.path.exists():
        return
    lock = room.lock()
    try:
        # Root without user namespaces keeps Postgres's data where `nobody` may go.
        elsewhere = room.path / "where"
        if elsewhere.exists():
            shutil.rmtree(elsewhere.read_text().strip(), ignore_errors=True)
    finally:
        os.close(lock)
