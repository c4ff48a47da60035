"""Each move is guarded: by the statuses it may leave, and by the attempt it belongs to."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from models.job import FINAL, NEXT, JobStatus, leads_to
from tasks.context import HandBackError, JobContext, LeaseLostError
from tasks.etl.stages.context import Watched
from tasks.lifecycle import find


def read(runtime, job):
    with runtime.db.connect() as connection:
        return find(connection, job.id)


def events(runtime, job):
    with runtime.db.connect() as connection:
        rows = connection.execute(text("SELECT event FROM job_events WHERE job_id = :id ORDER BY seq"), {"id": job.id})
        return list(rows.scalars())


def let_lease_run_out(runtime, job):
    with runtime.db.connect() as connection:
        statement = text("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE id = :id")
        connection.execute(statement, {"id": job.id})


def test_a_final_status_is_one_with_no_way_out():
    assert {status for status in JobStatus if status.is_final} == FINAL
    assert all(not NEXT[status] for status in FINAL)
    assert leads_to(JobStatus.SUCCEEDED) == {JobStatus.RUNNING}


def test_a_message_delivered_twice_runs_the_job_once(make_job, claim):
    job = make_job()
    assert claim(job.id) is not None
    assert claim(job.id) is None


def test_every_move_leaves_one_event_with_the_jobs_version(runtime, make_job, claim, lifecycle, probe):
    running = claim(make_job().id)
    done = lifecycle.succeed(running, probe, {"attempt": 1}, None, actor="w")
    assert events(runtime, done) == ["submitted", "claimed", "succeeded"]
    assert done.version == 3
    assert done.expires_at - done.finished_at == probe.retention.succeeded


def test_a_worker_that_lost_its_job_can_neither_finish_nor_fail_it(runtime, make_job, claim, lifecycle, probe):
    old = claim(make_job().id)
    lifecycle.crashed(old, probe, "gone", actor="rescue")
    with runtime.db.transaction() as connection:
        lifecycle.queue_due(connection)
    new = claim(old.id)
    assert new.attempt == 2
    assert lifecycle.succeed(old, probe, {}, None, actor="w") is None
    assert lifecycle.fail(old, probe, {"code": "x"}, actor="w") is None
    assert lifecycle.hand_back(old.id, old.attempt, actor="w") is None
    assert lifecycle.progress(old, {"done": 1}) == (False, False)
    assert lifecycle.succeed(new, probe, {"attempt": 2}, None, actor="w").result == {"attempt": 2}


def test_effects_of_a_worker_that_lost_its_job_are_rolled_back(runtime, make_job, claim, lifecycle, probe):
    job = claim(make_job().id)
    lifecycle.crashed(job, probe, "gone", actor="rescue")
    with runtime.db.transaction() as connection:
        connection.execute(text("INSERT INTO probe_effects VALUES (:id, 1, now())"), {"id": job.id})
        moved = lifecycle.succeed(job, probe, {}, None, actor="w", connection=connection)
        assert moved is None
        connection.rollback()
    with runtime.db.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM probe_effects")).scalar() == 0


def test_handing_back_costs_no_attempt(make_job, claim, lifecycle, probe):
    job_id = make_job().id
    for _ in range(probe.retry.max_attempts + 2):
        job = claim(job_id)
        assert lifecycle.hand_back(job.id, job.attempt, actor="w").status == JobStatus.QUEUED
    job = claim(job_id)
    failed = lifecycle.fail_or_retry(job, probe, {"code": "x", "message": ""}, retryable=True, actor="w")
    assert failed.status == JobStatus.RETRYING


def test_a_retryable_error_is_tried_as_often_as_the_policy_says(runtime, make_job, claim, lifecycle, probe):
    job_id = make_job().id
    seen = []
    for _ in range(probe.retry.max_attempts):
        job = claim(job_id)
        seen.append(lifecycle.fail_or_retry(job, probe, {"code": "x"}, retryable=True, actor="w").status)
        with runtime.db.connect() as connection:
            connection.execute(text("UPDATE jobs SET run_at = now() WHERE status = 'retrying'"))
            lifecycle.queue_due(connection)
    assert seen == ["retrying", "retrying", "failed"]


def test_an_error_that_cannot_go_away_is_not_tried_again(make_job, claim, lifecycle, probe):
    job = claim(make_job().id)
    assert lifecycle.fail_or_retry(job, probe, {"code": "x"}, retryable=False, actor="w").status == JobStatus.FAILED


def test_three_crashes_are_poison_and_say_what_is_known(runtime, make_job, claim, lifecycle, probe):
    job_id = make_job().id
    for _ in range(3):
        job = claim(job_id)
        with runtime.db.connect() as connection:
            connection.execute(text("UPDATE jobs SET peak_memory = 734003200 WHERE id = :id"), {"id": job_id})
        ended = lifecycle.crashed(read(runtime, job), probe, "its process died", actor="rescue")
        with runtime.db.connect() as connection:
            lifecycle.queue_due(connection)
    assert ended.status == JobStatus.FAILED
    assert ended.error["code"] == "poison"
    assert "700 MB" in ended.error["message"]


def test_cancelling_a_waiting_job_ends_it_at_once(make_job, lifecycle, probe, soon):
    for job in (make_job(), make_job(run_at=soon)):
        ended = lifecycle.cancel(job.id, probe, reason="not needed", actor="me")
        assert (ended.status, ended.cancel_reason, ended.cancelled_by) == ("cancelled", "not needed", "me")


def test_cancelling_a_running_job_asks_it_to_stop(make_job, claim, lifecycle, probe):
    job = claim(make_job().id)
    asked = lifecycle.cancel(job.id, probe, reason=None, actor="me")
    assert asked.status == JobStatus.RUNNING
    assert lifecycle.progress(job, {"done": 1}) == (True, True)
    assert lifecycle.stopped(asked, probe, actor="w").status == JobStatus.CANCELLED


def test_a_job_that_has_ended_cannot_be_cancelled(make_job, claim, lifecycle, probe):
    job = claim(make_job().id)
    lifecycle.succeed(job, probe, {}, None, actor="w")
    assert lifecycle.cancel(job.id, probe, reason=None, actor="me") is None


def test_a_crash_of_a_job_that_was_cancelled_is_its_cancellation(make_job, claim, lifecycle, probe):
    job = claim(make_job().id)
    asked = lifecycle.cancel(job.id, probe, reason="stop", actor="me")
    ended = lifecycle.crashed(asked, probe, "killed", actor="heartbeat")
    assert (ended.status, ended.cancel_reason) == ("cancelled", "stop")


def test_nothing_is_claimed_from_a_paused_queue(runtime, make_job, claim):
    job = make_job()
    with runtime.db.connect() as connection:
        connection.execute(text("INSERT INTO paused_queues VALUES ('quick', now(), 'me', NULL)"))
    assert claim(job.id) is None
    with runtime.db.connect() as connection:
        connection.execute(text("DELETE FROM paused_queues"))
    assert claim(job.id) is not None


def test_a_scheduled_job_is_queued_when_its_time_has_come(runtime, make_job, claim, lifecycle, soon):
    job = make_job(run_at=soon)
    assert job.status == JobStatus.SCHEDULED
    assert claim(job.id) is None
    with runtime.db.connect() as connection:
        assert lifecycle.queue_due(connection) == []
        connection.execute(text("UPDATE jobs SET run_at = now()"))
        assert [queued.id for queued in lifecycle.queue_due(connection)] == [job.id]


@pytest.mark.parametrize("wait", [timedelta(seconds=1), timedelta(minutes=10)])
def test_a_retry_waits_as_long_as_the_other_side_asked(make_job, claim, lifecycle, probe, wait):
    job = claim(make_job().id)
    error = {"code": "unavailable", "retry_after_seconds": wait.total_seconds()}
    later = lifecycle.fail_or_retry(job, probe, error, retryable=True, actor="w")
    assert later.run_at - later.updated_at >= wait - timedelta(milliseconds=1)


@pytest.fixture
def lost(make_job, claim, lifecycle, probe, runtime):
    """A body's view of a job that was taken from it."""
    job = claim(make_job().id)
    lifecycle.crashed(job, probe, "its worker stopped beating", actor="rescue")
    context = JobContext(job, runtime, lambda: False)
    context._live_at = context._saved_at = float("-inf")
    return context


def test_who_lost_a_job_can_begin_nothing_more_for_it(lost, make_job, claim, runtime):
    with runtime.db.transaction() as connection:
        JobContext(claim(make_job().id), runtime, lambda: False).hold(connection)
        with pytest.raises(LeaseLostError):
            lost.hold(connection)


def test_a_stage_whose_run_is_somebody_elses_is_given_back(lost, make_job, claim, runtime):
    """Its own lease is extended as long as its process lives: left as it is, it would seem to run for ever."""
    stage = Watched(JobContext(claim(make_job().id), runtime, lambda: False), "extract", lost)
    with pytest.raises(HandBackError):
        stage.tick(1, 2)
    lost._live_at = lost._saved_at = float("-inf")
    with pytest.raises(LeaseLostError):
        stage.parent_tick()
