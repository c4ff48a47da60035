"""A child that goes on with the quick queue by itself keeps the order, and leaves to Celery what is not its own."""

from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import redis as redis_py

from core.clock import uuid7
from tasks.contract import Queue
from workers import quick_line
from workers.celery_app import make_celery
from workers.envelope import Envelopes, publish
from workers.quick_line import QuickLine
from workers.task_events import TaskEvents

_QUICK = SimpleNamespace(queue=str(Queue.QUICK))


@pytest.fixture
def published(settings, redis):
    envelopes = Envelopes(make_celery(settings))

    def put(*jobs):
        publish(envelopes, redis, jobs)
        return [job.id for job in jobs]

    return put


def a_line(redis, *, known=("probe",), is_going=False, events=None):
    return QuickLine(redis, known, lambda: is_going, events, "worker@here")


@pytest.fixture
def line(redis):
    return a_line(redis)


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
    assert a_line(redis, is_going=True).next_after(_QUICK) is None
    assert a_line(redis).next_after(_QUICK) == waiting


def test_a_turn_ends_so_that_urgent_work_of_other_queues_is_handed_out(published, make_job, redis, monkeypatch):
    monkeypatch.setattr(quick_line, "_TURN_SECONDS", -1)
    published(make_job())
    assert a_line(redis).next_after(_QUICK) is None


def test_a_kind_that_this_worker_does_not_know_is_left_to_republish(published, make_job, redis):
    published(make_job())
    assert a_line(redis, known=("echo",)).next_after(_QUICK) is None


def test_without_redis_the_line_is_empty():
    nowhere = redis_py.Redis(port=1, retry=None)
    assert a_line(nowhere).next_after(_QUICK) is None


def test_whoever_watches_celerys_events_hears_of_jobs_taken_from_the_line_too(settings, redis):
    app = make_celery(settings)
    line = a_line(redis, events=TaskEvents(app))
    jobs = [SimpleNamespace(id=uuid7(), kind="probe", started_at=datetime.now(UTC)) for _ in range(3)]
    heard = []  # other workers may be heard as well
    with app.connection() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": heard.append})
        with receiver.consumer_context(wakeup=False) as (listening, *_):
            greeting = TaskEvents(app)
            while not told_by("greeting@here", heard):  # kombu subscribes when it first listens
                greeting.tell(jobs[0], "greeting@here")
                greeting.flush()
                with suppress(TimeoutError):
                    listening.drain_events(timeout=0.1)
            for job in jobs:
                line.passed(job, is_last=job is jobs[-1])
            while len(told_by("worker@here", heard)) < 6:
                listening.drain_events(timeout=10)
    moves = ("task-received", "task-started", "task-succeeded")
    # Of the first one Celery tells.
    assert told_by("worker@here", heard) == [(move, str(job.id)) for job in jobs[1:] for move in moves]


def told_by(name, events):
    return [(event["type"], event["uuid"]) for event in events if event["hostname"] == name]


def test_nobody_waits_for_news_that_cannot_be_told(settings, redis):
    app = make_celery(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    line = a_line(redis, events=TaskEvents(app))
    job = SimpleNamespace(id=uuid7(), kind="probe", started_at=None)
    for is_last in (False, False, True):
        line.passed(job, is_last=is_last)
