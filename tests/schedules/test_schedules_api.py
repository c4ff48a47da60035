"""Operators see what schedules do, and can run, pause, resume and backfill them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from models.session import Database
from tasks.registry import make_registry
from tasks.scheduling import Timekeeper
from tests.schedules.timetable import TIMETABLE

HOURLY = "/api/v1/schedules/hourly"


@pytest.fixture
def shared_db(platform):
    db = Database(platform.environment["DATABASE_URL"], pool_size=1)
    yield db
    db.close()


@pytest.fixture
def keeper(platform, shared_db):
    """A beat's book-keeping in this process: the test says when it looks."""
    with shared_db.connect() as connection:
        connection.execute(text("DELETE FROM schedules"))
    made = Timekeeper(shared_db, make_registry(platform.environment["RECKONER_EXTRA_KINDS"].split(",")), TIMETABLE)
    made.begin()
    return made


@pytest.fixture
def client(keeper, http):  # noqa: ARG001  # there are schedules before anybody asks
    return http


def hours_ago(hours):
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)


def set_due(db, name, moment):
    with db.connect() as connection:
        connection.execute(
            text("UPDATE schedules SET next_due_at = :due WHERE name = :name"), {"due": moment, "name": name}
        )


def test_schedules_are_told_in_plain_words(client):
    hourly, often = client.get("/api/v1/schedules").json()["data"]
    assert hourly["words"].startswith("Every hour (at :00);")
    assert (hourly["state"], hourly["last_run"]) == ("active", None)
    assert hourly["next_run_at"] > datetime.now(UTC).isoformat()
    assert hourly["last_30_days"] == {"ran": 0, "late": 0, "skipped": 0, "missed": 0}
    assert often["name"] == "often"
    assert client.get("/api/v1/schedules/often").json() == often
    assert client.get("/api/v1/schedules/nobody").status_code == 404


def test_run_now_makes_a_job_and_a_row(client):
    answer = client.post(f"{HOURLY}/run")
    assert answer.status_code == 202
    run = answer.json()
    assert (run["outcome"], run["trigger"]) == ("ran", "manual")
    assert client.ended(run["job_id"])["schedule"] == "hourly"
    shown = client.get(HOURLY).json()
    assert shown["last_run"]["job_id"] == run["job_id"]
    assert shown["last_30_days"]["ran"] == 1


def test_the_ledger_has_every_due_time_and_says_what_became_of_it(client, keeper, shared_db):
    set_due(shared_db, "hourly", hours_ago(4))
    keeper.fire_due()
    ledger = client.get(f"{HOURLY}/runs").json()["data"]
    assert [run["outcome"] for run in ledger if run["outcome"] != "ran"][-4:] == ["missed"] * 4
    assert all("catch_up is none" in run["reason"] for run in ledger if run["outcome"] == "missed")
    first = client.get(f"{HOURLY}/runs?limit=2").json()
    second = client.get(f"{HOURLY}/runs", params={"limit": 50, "cursor": first["next_cursor"]}).json()
    assert first["data"] + second["data"] == ledger
    assert client.get(f"{HOURLY}/runs?outcome=skipped").json()["data"] == []


def test_a_paused_schedule_skips_and_says_who_paused_it(client, keeper, shared_db):
    paused = client.post(f"{HOURLY}/pause").json()
    assert (paused["state"], paused["paused_by"], paused["next_run_at"]) == ("paused", "local", None)
    assert client.post(f"{HOURLY}/pause").json()["paused_at"] == paused["paused_at"]
    set_due(shared_db, "hourly", hours_ago(2))
    assert [run for run in keeper.fire_due() if run.schedule == "hourly"] == []
    resumed = client.post(f"{HOURLY}/resume").json()
    assert (resumed["state"], resumed["paused_by"]) == ("active", None)
    ledger = client.get(f"{HOURLY}/runs").json()["data"]
    assert [(run["outcome"], run["reason"]) for run in ledger] == [("skipped", "paused by local")] * 3
    assert [run for run in keeper.fire_due() if run.schedule == "hourly"] == []


def test_a_backfill_runs_what_did_not_run_and_nothing_twice(client, keeper, shared_db):
    set_due(shared_db, "hourly", hours_ago(3))
    keeper.fire_due()
    span = {"start": hours_ago(3).isoformat(), "end": hours_ago(0).isoformat()}
    first = client.post(f"{HOURLY}/backfill", json=span).json()
    assert first["made"] == 3
    assert {(run["outcome"], run["trigger"]) for run in first["data"]} == {("late", "backfill")}
    assert len({client.ended(run["job_id"])["id"] for run in first["data"]}) == 3
    assert client.post(f"{HOURLY}/backfill", json=span).json() == {"data": [], "made": 0}


def test_a_backfill_reaches_times_before_the_schedule_was_looked_at(client):
    span = {"start": hours_ago(5).isoformat(), "end": hours_ago(3).isoformat()}
    due = [run["due_at"] for run in client.post(f"{HOURLY}/backfill", json=span).json()["data"]]
    assert [datetime.fromisoformat(moment) for moment in due] == [hours_ago(5), hours_ago(4)]


@pytest.mark.parametrize(
    "span",
    [
        {"start": "2026-01-01T00:00:00Z", "end": "2025-01-01T00:00:00Z"},
        {"start": "2026-01-01T00:00:00Z", "end": "2126-01-01T00:00:00Z"},
        {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"},
        {"start": "2026-01-01T00:00:00", "end": "2026-01-02T00:00:00"},
        {},
    ],
)
def test_a_backfill_that_makes_no_sense_is_422(client, span):
    assert client.post(f"{HOURLY}/backfill", json=span).status_code == 422


def test_a_retired_schedule_is_shown_and_left_alone(client, shared_db):
    with shared_db.connect() as connection:
        connection.execute(text("UPDATE schedules SET retired_at = now() WHERE name = 'hourly'"))
    assert client.get(HOURLY).json()["state"] == "retired"
    for action in ("run", "pause", "resume"):
        assert client.post(f"{HOURLY}/{action}").status_code == 409


def test_viewers_may_look_and_no_more(client):
    key = client.post("/api/v1/keys", json={"name": "v", "owner": "eve", "role": "viewer"}).json()["key"]
    headers = {"Authorization": f"Bearer {key}"}
    assert client.get(HOURLY, headers=headers).status_code == 200
    assert client.post(f"{HOURLY}/run", headers=headers).status_code == 403
