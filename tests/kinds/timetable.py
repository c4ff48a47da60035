"""A timetable that fires often."""

from datetime import timedelta

TIMETABLE = [
    {"name": "every-second", "kind": "probe", "every": timedelta(seconds=1), "params": {}, "overlap": "queue"},
]
