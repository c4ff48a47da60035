"""A body that takes too long is told, and a process that does not hear it is ended."""

import signal
import subprocess
import sys
import time

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from sqlalchemy import text

from core.clock import uuid7
from tasks.lifecycle import find
from workers.heartbeat import Heartbeat
from workers.time_limit import hear_alarms, within


@pytest.fixture(autouse=True)
def alarms():
    """This process' own alarm, which the test runner uses to end a test that hangs, lent to the test."""
    before, (left, _) = signal.getsignal(signal.SIGALRM), signal.setitimer(signal.ITIMER_REAL, 0)
    hear_alarms()
    yield
    signal.signal(signal.SIGALRM, before)
    signal.setitimer(signal.ITIMER_REAL, left)


def test_a_block_that_takes_too_long_is_interrupted():
    with pytest.raises(SoftTimeLimitExceeded), within(0.05):
        time.sleep(30)


def test_a_block_that_ends_in_time_leaves_no_alarm_behind():
    with within(30):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_stage_runs_within_the_limit_of_its_run():
    with pytest.raises(SoftTimeLimitExceeded), within(0.1), within(30):
        time.sleep(30)


def test_a_stage_that_ends_leaves_the_alarm_of_its_run_alone():
    with within(30):
        with within(10):
            pass
        assert 10 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30


def test_the_heartbeat_ends_a_process_that_did_not_hear_its_alarm_and_fails_the_job(runtime, make_job, claim, probe):
    deaf = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    worker = uuid7()
    job = claim(make_job().id, worker_id=worker, pid=deaf.pid)
    heart = Heartbeat(
        runtime, worker, name="w", hostname="h", queues=[], concurrency=1, version="0", is_draining=lambda: False
    )
    heart.beat()
    assert deaf.poll() is None
    with runtime.db.connect() as connection:
        connection.execute(
            text("UPDATE jobs SET started_at = started_at - CAST(:ran AS interval) WHERE id = :id"),
            {"ran": f"{probe.time_limit.total_seconds() + 11} seconds", "id": job.id},
        )
    heart.beat()
    assert deaf.wait(10) == -signal.SIGKILL
    heart.beat()
    with runtime.db.connect() as connection:
        found = find(connection, job.id)
    assert (found.status, found.error["code"]) == ("failed", "time_limit")
