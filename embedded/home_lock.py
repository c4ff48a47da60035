"""One supervisor per home."""

import fcntl
import os
from pathlib import Path

from embedded.errors import HomeInUseError


def lock_home(home: Path) -> int:
    """The lock is the descriptor: the kernel frees it with the process, however that ends."""
    descriptor = os.open(home / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise HomeInUseError(
            f"another copy runs in {home}; stop it or choose another RECKONER_HOME (and PORT, FLOWER_PORT)"
        ) from None
    return descriptor
