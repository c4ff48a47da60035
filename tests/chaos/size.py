"""How much of everything: the long run, and the one in the suite."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Counts and seconds of one run."""

    jobs: int
    per_second: float
    outage: float  # seconds a server stays away
    kills: int
    lease: float
    rows: int  # of the transaction file


LONG = Size(jobs=220, per_second=10, outage=30, kills=9, lease=10, rows=40_000)
SHORT = Size(jobs=30, per_second=10, outage=4, kills=3, lease=4, rows=2_000)
