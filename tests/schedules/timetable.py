"""A timetable for tests: short intervals, kinds that do nothing."""

from datetime import timedelta

TIMETABLE = [
    {
        "name": "often",
        "kind": "probe",
        "params": {"label": "often"},
        "every": timedelta(seconds=2),
        "catch_up": "all",
        "overlap": "queue",
    },
    {"name": "hourly", "kind": "probe", "params": {}, "every": timedelta(hours=1), "catch_up": "none"},
]
