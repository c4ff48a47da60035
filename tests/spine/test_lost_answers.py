"""What a worker does when the database or Redis goes away in the middle of a sentence."""

import os
import threading
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from core.clock import uuid7
from embedded.valkey import Valkey
from tasks import base
from tasks.base import Post, perform
from tasks.context import JobContext
from tasks.lifecycle import find
from tasks.runtime import connect_redis, make_runtime
from tests.chaos.wire import Wire
from tests.kinds.probe.contract import ProbeResult
from tests.running import eventually
from workers.celery_app import make_celery
from workers.envelope import Envelopes, publish
from workers.housekeeping.rescue import Rescue


@pytest.fixture
def wire(postgres):
    made = Wire(postgres.port)
    yield made
    made.close()


@pytest.fixture
def far(settings, wire):
    """A runtime that reaches Postgres over the wire."""
    runtime = make_runtime(
        settings.model_copy(update={"database_url": wire.through(settings.database_url)}), application="far"
    )
    yield runtime
    runtime.close()


def test_a_claim_whose_answer_was_lost_is_taken_up_again(runtime, far, wire, make_job, probe):
    job = make_job()
    runs = []

    def body(params, context):
        runs.append(context.attempt)
        return ProbeResult(attempt=context.attempt, label=params.label)

    _warm_up(far)
    wire.lose_answers()
    worker = threading.Thread(
        target=perform, args=(Post(far, uuid7(), "far", lambda: False), probe, body, job.id), daemon=True
    )
    worker.start()
    eventually(lambda: _row(runtime, job).status == "running")
    assert runs == []
    wire.mend()
    worker.join(timeout=30)
    assert (_row(runtime, job).status, _row(runtime, job).attempt, runs) == ("succeeded", 1, [1])


def test_an_end_and_the_claim_of_the_next_whose_answer_was_lost_are_both_found_made(
    runtime, far, wire, make_job, claim
):
    here = uuid7()
    job, behind = claim(make_job().id, worker_id=here, pid=os.getpid()), make_job()
    _warm_up(far)
    following = []

    def end():
        kept = JobContext(job, far, lambda: False)
        post = Post(far, here, "far", lambda: False)
        ended = base._succeed(
            post, far.registry["probe"], job, kept, ProbeResult(attempt=1, label=""), line=_Waiting(behind.id)
        )
        following.append(ended.following)

    wire.lose_answers()
    worker = threading.Thread(target=end, daemon=True)
    worker.start()
    eventually(lambda: _row(runtime, behind).status == "running")
    assert (_row(runtime, job).status, following) == ("succeeded", [])
    wire.mend()
    worker.join(timeout=30)
    assert [(found.id, found.attempt) for found in following] == [(behind.id, 1)]
    assert [_row(runtime, one).version for one in (job, behind)] == [3, 2]


def test_rescue_ends_the_session_of_a_frozen_attempt_that_holds_its_row(runtime, make_job, claim, probe, lifecycle):
    job = claim(make_job().id)
    with runtime.db.connect() as connection:
        connection.execute(text("UPDATE jobs SET lease_until = clock_timestamp() WHERE id = :id"), {"id": job.id})
    frozen = JobContext(job, runtime, lambda: False)
    lifecycle.succeed(job, probe, {}, None, actor="frozen", connection=frozen.effects())  # and never commits
    rescue = Rescue(runtime)
    rescue._watching_since = float("-inf")
    with runtime.db.transaction() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '20s'"))
        rescue.run(connection)
    assert (_row(runtime, job).status, _row(runtime, job).crashes) == ("retrying", 1)
    with pytest.raises(Exception, match="terminat"):
        frozen.effects().execute(text("SELECT 1"))
    frozen.close_effects(RuntimeError())


def test_effects_may_stay_open_while_their_body_computes(make_job, claim, runtime):
    context = JobContext(claim(make_job().id), runtime, lambda: False)
    limit = context.effects().execute(text("SHOW idle_in_transaction_session_timeout")).scalar()
    context.close_effects()
    with runtime.db.connect() as connection:
        assert (limit, connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar()) == ("0", "1min")


def test_a_worker_may_give_up_and_acknowledge_messages_of_a_redis_that_went_away(settings, make_job, tmp_path):
    with Valkey(tmp_path, durable=False) as server:
        app = make_celery(settings.model_copy(update={"redis_url": server.url}))
        publish(Envelopes(app), connect_redis(server.url), [make_job()])
        connection = app.connection_for_read()
        taken = []
        consumer = app.amqp.TaskConsumer(connection.channel(), on_message=taken.append)
        consumer.consume()
        eventually(lambda: _drained(connection, taken))
    with pytest.raises(connection.connection_errors):  # Redis is gone
        connection.drain_events(timeout=5)
    connection.collect()  # what Celery does about it
    taken[0].ack()
    app.close()


def _drained(connection, taken):
    connection.drain_events(timeout=5)
    return taken


def _row(runtime, job):
    with runtime.db.connect() as connection:
        return find(connection, job.id)


class _Waiting:
    """A line with one job in it."""

    def __init__(self, job_id):
        self._waiting = [job_id]

    def next_after(self, _):
        return self._waiting.pop() if self._waiting else None


def _warm_up(runtime):
    """A session is open, and its statements are prepared, before the answers stop."""
    job = SimpleNamespace(id=uuid7(), attempt=1)
    facts = {"worker_id": uuid7(), "pid": 1, "actor": "far"}
    assert runtime.lifecycle.claim(job.id, **facts) is None
    assert (
        runtime.lifecycle.succeed_and_claim(job, runtime.registry["probe"], {}, None, uuid7(), **facts) == (None,) * 2
    )
