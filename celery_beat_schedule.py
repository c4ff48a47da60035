"""The timetable: what fires when, and what happens when it could not. Plain data."""

TIMETABLE: list[dict[str, object]] = []
