"""Two real beats, one of them killed: every due time fires, none fires twice."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text

from models.session import Database
from tests.running import eventually


@pytest.mark.chaos
def test_two_beats_never_double_a_run_and_one_is_enough(make_platform):
    platform = make_platform(timetable="tests.schedules.timetable")
    db = Database(platform.environment["DATABASE_URL"], pool_size=1)

    def ledger():
        with db.connect() as connection:
            statement = "SELECT due_at, outcome, job_id FROM schedule_runs WHERE schedule = 'often' ORDER BY due_at"
            return connection.execute(text(statement)).all()

    def runs_beyond(count):
        return eventually(lambda: len(ledger()) >= count and ledger(), seconds=60)

    platform.start_beat("one")
    platform.start_beat("two")
    so_far = len(runs_beyond(3))
    platform.kill_group("one")
    platform.wait_gone("one")
    so_far = len(runs_beyond(so_far + 3))  # the other one goes on
    platform.kill_group("two")
    platform.wait_gone("two")
    platform.start_beat("one again")
    found = runs_beyond(so_far + 3)  # nothing was forgotten while nobody looked
    platform.stop()

    found = ledger()
    gaps = {later.due_at - earlier.due_at for earlier, later in pairwise(found)}
    assert gaps == {timedelta(seconds=2)}, "every due time is there, once"
    assert {row.outcome for row in found} <= {"ran", "late"}
    with db.connect() as connection:
        jobs = connection.execute(text("SELECT id FROM jobs WHERE schedule = 'often'")).scalars().all()
    assert sorted(jobs) == sorted(row.job_id for row in found)
    db.close()


@pytest.mark.chaos
def test_the_sync_runs_once_at_start_however_many_beats_start(make_platform):
    platform = make_platform()
    db = Database(platform.environment["DATABASE_URL"], pool_size=1)
    for name in ("one", "two", "three"):
        platform.start_beat(name)

    def started():
        with db.connect() as connection:
            statement = "SELECT schedule, trigger, outcome FROM schedule_runs WHERE trigger = 'start'"
            return connection.execute(text(statement)).all()

    assert eventually(started, seconds=60) == [("sync-every-15-minutes", "start", "ran")]

    def beats():
        with db.connect() as connection:
            statement = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reckoner beat'"
            return connection.execute(text(f"{statement} AND datname = current_database()")).scalar_one()

    eventually(lambda: beats() == 3, seconds=60)  # each has looked at the timetable
    platform.stop()
    assert len(started()) == 1
    with db.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM jobs WHERE kind = 'sync'")).scalar_one() == 1
    db.close()
