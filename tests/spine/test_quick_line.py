"""A child that goes on with the quick queue by itself keeps the order, and leaves to Celery what is not its own."""

from types import SimpleNamespace

import pytest
import redis as redis_py

from core.clock import uuid7
from tasks.contract import Queue
from workers import quick_line
from workers.celery_app import make_celery
from workers.envelope import Envelopes, publish
from workers.quick_line import QuickLine

_QUICK = SimpleNamespace(queue=str(Queue.QUICK))


@pytest.fixture
def published(settings, redis):
    envelopes = Envelopes(make_celery(settings))

    def put(*jobs):
        publish(envelopes, redis, jobs)
        return [job.id for job in jobs]

    return put


@pytest.fixture
def line(redis):
    return QuickLine(redis, {"probe"}, lambda: False)


def test_the_line_goes_by_priority_and_age(published, make_job, line):
    late, urgent, last = published(make_job(), make_job(priority=9), make_job())
    assert [line.next_after(_QUICK) for _ in range(4)] == [urgent, late, last, None]


def test_a_heavy_job_is_not_followed_and_no_heavy_one_is_taken(published, make_job, line):
    published(make_job())
    assert line.next_after(SimpleNamespace(queue=str(Queue.HEAVY))) is None
    assert line.next_after(_QUICK) is not None
    job = SimpleNamespace(id=uuid7(), kind="probe", queue=str(Queue.HEAVY), priority=9, crashes=0, handed_back=0)
    published(job)
    assert line.next_after(_QUICK) is None


def test_a_worker_that_was_told_to_stop_takes_nothing_more(published, make_job, redis):
    (waiting,) = published(make_job())
    assert QuickLine(redis, {"probe"}, lambda: True).next_after(_QUICK) is None
    assert QuickLine(redis, {"probe"}, lambda: False).next_after(_QUICK) == waiting


def test_a_turn_ends_so_that_urgent_work_of_other_queues_is_handed_out(published, make_job, redis, monkeypatch):
    monkeypatch.setattr(quick_line, "_TURN_SECONDS", -1)
    published(make_job())
    assert QuickLine(redis, {"probe"}, lambda: False).next_after(_QUICK) is None


def test_a_kind_that_this_worker_does_not_know_is_left_to_republish(published, make_job, redis):
    published(make_job())
    assert QuickLine(redis, {"echo"}, lambda: False).next_after(_QUICK) is None


def test_without_redis_the_line_is_empty():
    nowhere = redis_py.Redis(port=1, retry=None)
    assert QuickLine(nowhere, {"probe"}, lambda: False).next_after(_QUICK) is None
