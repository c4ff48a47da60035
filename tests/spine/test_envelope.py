"""The messages we fill in are those that Celery would have written."""

import json

import pytest

from core.clock import uuid7
from tasks.runtime import connect_redis
from workers.celery_app import celery_priority, list_of, make_celery
from workers.envelope import Envelopes, publish


@pytest.fixture
def app(settings):
    made = make_celery(settings)
    yield made
    made.close()


@pytest.mark.parametrize("priority", [0, 5, 9])
def test_a_message_is_what_celery_would_have_sent(app, settings, make_job, priority):
    job = make_job(priority=priority)
    client = connect_redis(settings.redis_url)
    publish(Envelopes(app), client, [job])
    options = {"queue": job.queue, "priority": celery_priority(priority), "ignore_result": True, "retry": False}
    app.send_task(job.kind, task_id=str(job.id), **options)
    celerys, ours = (json.loads(message) for message in client.lrange(list_of(job.queue, priority), 0, -1))
    assert ours["properties"].pop("delivery_tag") != celerys["properties"].pop("delivery_tag")
    assert ours == celerys


def test_each_message_has_its_own_job_and_delivery_tag(app, make_job):
    jobs = [make_job(), make_job()]
    messages = [json.loads(Envelopes(app).of(job)) for job in jobs]
    assert [message["headers"]["id"] for message in messages] == [str(job.id) for job in jobs]
    assert len({message["properties"]["delivery_tag"] for message in messages}) == 2


def test_ids_are_handed_out_in_the_order_in_which_they_came(app, settings, make_job):
    jobs = [make_job(id=uuid7()) for _ in range(3)]
    client = connect_redis(settings.redis_url)
    publish(Envelopes(app), client, jobs)
    popped = [json.loads(client.rpop(list_of(jobs[0].queue, 5)))["headers"]["id"] for _ in jobs]
    assert popped == [str(job.id) for job in jobs]
