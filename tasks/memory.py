"""A memory limit around one job: the job ends with a clear error, and its worker lives on."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import MemoryLimitError

MEGABYTE = 1 << 20


@contextmanager
def memory_limit(megabytes: int) -> Iterator[None]:
    """Let this process take that much more than it has now; files that are only mapped do not count."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = _data_bytes() + megabytes * MEGABYTE
    if before[1] != resource.RLIM_INFINITY:
        allowed = min(allowed, before[1])
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, before[1]))
    try:
        yield
    except MemoryError as error:
        resource.setrlimit(resource.RLIMIT_DATA, before)
        raise MemoryLimitError(
            f"the job needed more than the {megabytes:,} MB that a heavy job may take ({error or 'no more was given'});"
            " narrow the question (amounts, dates, a lower max_pairs) or raise RECKONER_HEAVY_MEMORY_MB",
            limit_mb=megabytes,
        ) from error
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _data_bytes() -> int:
    """What already counts against the limit in this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0
