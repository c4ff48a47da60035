"""A schedule says in plain words when it runs."""

from types import SimpleNamespace

import pytest

from api.schedules.words import every, in_words
from celery_beat_schedule import TIMETABLE


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "Every second"),
        (90, "Every 90 seconds"),
        (60, "Every minute"),
        (900, "Every 15 minutes"),
        (3600, "Every hour"),
        (5400, "Every 90 minutes"),
        (86400, "Every day"),
        (172800, "Every 2 days"),
    ],
)
def test_intervals_in_their_largest_whole_unit(seconds, words):
    assert every(seconds) == words


def test_the_sync_of_our_own_timetable():
    (sync,) = [entry for entry in TIMETABLE if entry["kind"] == "sync"]
    schedule = SimpleNamespace(**{**sync, "every_seconds": int(sync["every"].total_seconds())})
    assert in_words(schedule) == (
        "Every 15 minutes (at :00, :15, :30 and :45), and once at start; "
        "a run is skipped while the last one has not ended; after downtime it runs once."
    )


@pytest.mark.parametrize(("seconds", "times"), [(3600, " (at :00)"), (86400, " (at 00:00 UTC)"), (7, ""), (60, "")])
def test_times_are_told_where_they_are_always_the_same(seconds, times):
    schedule = SimpleNamespace(every_seconds=seconds, at_start=False, overlap="queue", catch_up="none")
    assert in_words(schedule).startswith(f"{every(seconds)}{times};")
