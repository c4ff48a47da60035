"""Due times: each decided once, by the policy, whoever looks."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tasks.scheduling import Timekeeper, next_due

ENTRY = {"name": "probe-hourly", "kind": "probe", "every": timedelta(hours=1), "params": {}}


@pytest.fixture
def make_timekeeper(runtime):
    def make(**changes):
        keeper = Timekeeper(runtime.db, runtime.registry, [{**ENTRY, **changes}])
        keeper.begin()
        return keeper

    return make


def set_due(runtime, moment):
    with runtime.db.connect() as connection:
        connection.execute(text("UPDATE schedules SET next_due_at = :due"), {"due": moment})


def ledger(runtime):
    with runtime.db.connect() as connection:
        rows = connection.execute(text("SELECT outcome FROM schedule_runs ORDER BY due_at"))
        return list(rows.scalars())


def jobs(runtime):
    with runtime.db.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM jobs")).scalar()


def test_every_beat_reckons_the_same_due_times():
    moment = datetime(2026, 11, 21, 10, 7, 3, tzinfo=UTC)
    assert next_due(moment, 900) == datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
    assert next_due(datetime(2026, 11, 21, 10, 15, tzinfo=UTC), 900) == datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


def test_two_beats_fire_a_due_time_once(runtime, make_timekeeper):
    one, two = make_timekeeper(), make_timekeeper()
    set_due(runtime, datetime.now(UTC) - timedelta(seconds=1))
    fired = one.fire_due() + two.fire_due()
    assert [run.outcome for run in fired] == ["ran"]
    assert jobs(runtime) == 1


def test_a_beat_with_an_old_memory_cannot_fire_a_time_again(runtime, make_timekeeper):
    keeper = make_timekeeper()
    due = datetime.now(UTC).replace(microsecond=0)
    set_due(runtime, due)
    keeper.fire_due()
    with runtime.db.connect() as connection:
        connection.execute(text("UPDATE jobs SET status = 'succeeded'"))
    set_due(runtime, due)
    assert [run.outcome for run in keeper.fire_due()] == ["taken"]
    assert jobs(runtime) == 1


@pytest.mark.parametrize(("catch_up", "made"), [("none", 0), ("one", 1), ("all", 4)])
def test_after_downtime_the_policy_decides_and_the_rest_is_written_down(runtime, make_timekeeper, catch_up, made):
    keeper = make_timekeeper(catch_up=catch_up, overlap="queue")
    # Half an hour from any due time on either side, whatever the clock says.
    set_due(runtime, datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3, minutes=30))
    keeper.fire_due()
    assert jobs(runtime) == made
    assert len(ledger(runtime)) == 4
    assert ledger(runtime).count("missed") == 4 - made


def test_a_run_that_would_overlap_is_skipped_and_says_why(runtime, make_timekeeper):
    keeper = make_timekeeper()
    for _ in range(2):
        set_due(runtime, datetime.now(UTC))
        keeper.fire_due()
        with runtime.db.connect() as connection:
            connection.execute(text("UPDATE schedule_runs SET due_at = due_at - interval '1 minute'"))
    assert ledger(runtime) == ["ran", "skipped"]
    assert jobs(runtime) == 1


def test_a_paused_schedule_does_not_fire(runtime, make_timekeeper):
    keeper = make_timekeeper()
    set_due(runtime, datetime.now(UTC))
    with runtime.db.connect() as connection:
        connection.execute(text("UPDATE schedules SET paused_at = now()"))
    assert keeper.fire_due() == []


def test_several_beats_that_start_together_are_one_start(runtime, make_timekeeper):
    for _ in range(3):
        make_timekeeper(at_start=True)
    assert jobs(runtime) == 1


def test_a_schedule_that_left_the_timetable_is_retired_not_forgotten(runtime, make_timekeeper):
    make_timekeeper()
    Timekeeper(runtime.db, runtime.registry, []).begin()
    with runtime.db.connect() as connection:
        assert connection.execute(text("SELECT retired_at IS NOT NULL FROM schedules")).scalar()


def test_a_timetable_that_makes_no_sense_stops_the_start(runtime):
    with pytest.raises(ValueError, match="overlap is skip or queue"):
        Timekeeper(runtime.db, runtime.registry, [{**ENTRY, "overlap": "often"}])
