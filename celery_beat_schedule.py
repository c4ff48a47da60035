"""The timetable: what fires when, and what happens when it could not. Plain data; imports nothing of ours.

Each entry: name, kind, params, every (due at whole multiples of it), at_start (also once when the platform starts),
catch_up (none, one, all: what to do with times that passed while nobody looked) and overlap (skip, queue: what to do
when the last run has not ended).
"""

from datetime import timedelta
from typing import Any

TIMETABLE: list[dict[str, Any]] = [
    {
        "name": "sync-every-15-minutes",
        "kind": "sync",
        "params": {},
        "every": timedelta(minutes=15),
        "at_start": True,
        # One sync brings in all that several would have: after downtime one is enough, and two at once are none better.
        "catch_up": "one",
        "overlap": "skip",
    },
]
