"""Say in plain words when a schedule runs and what happens when it cannot."""

from __future__ import annotations

from typing import Any

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_HOUR, _DAY = 3600, 86400
_CATCH_UP = {
    "none": "what was missed during downtime is not made up for",
    "one": "after downtime it runs once",
    "all": "after downtime every missed run is made up for",
}
_OVERLAP = {
    "skip": "a run is skipped while the last one has not ended",
    "queue": "a run waits in line while the last one has not ended",
}


def in_words(schedule: Any) -> str:
    """`Every 15 minutes (at :00, :15, :30 and :45), and once at start; ...`."""
    start = ", and once at start" if schedule.at_start else ""
    rhythm = f"{every(schedule.every_seconds)}{_times(schedule.every_seconds)}{start}"
    return f"{rhythm}; {_OVERLAP[schedule.overlap]}; {_CATCH_UP[schedule.catch_up]}."


def every(seconds: int) -> str:
    """The interval in its largest whole unit."""
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    count = seconds // size
    return f"Every {unit}" if count == 1 else f"Every {count} {unit}s"


def _times(seconds: int) -> str:
    """When within the hour or day that is, where it is always the same."""
    if seconds == _DAY:
        return " (at 00:00 UTC)"
    if seconds == _HOUR:
        return " (at :00)"
    if seconds % 60 or _HOUR % seconds or seconds * 6 < _HOUR:
        return ""
    minutes = [f":{minute:02}" for minute in range(0, 60, seconds // 60)]
    return f" (at {', '.join(minutes[:-1])} and {minutes[-1]})"
