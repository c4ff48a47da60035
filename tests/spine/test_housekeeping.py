"""What housekeeping mends: leases, messages, due times, leftovers; each duty once, whoever offers."""

import io
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import text

from core.clock import uuid7
from core.settings import Settings
from models.artifact import add_artifact
from tasks.board import Board
from tests.spine.test_lifecycle import let_lease_run_out, read
from workers.celery_app import list_of, lists_of, make_celery
from workers.housekeeping.keeper import Housekeeping
from workers.housekeeping.purge import Purge
from workers.housekeeping.republish import Republish
from workers.housekeeping.rescue import Rescue
from workers.housekeeping.survey import Survey


def do(runtime, duty):
    with structlog.testing.capture_logs() as logs:
        done = Housekeeping(runtime, [duty], lambda: False).do(duty)
    assert not [entry for entry in logs if entry["event"] in {"duty_raised", "duty_failed"}]
    return done


def patient_rescue(runtime):
    """A rescuer that has watched for long enough."""
    duty = Rescue(runtime)
    duty._watching_since = 0.0
    return duty


def messages(runtime, queue="quick"):
    return sum(runtime.redis.llen(name) for name in lists_of(queue))


def republish(runtime, settings):
    duty = Republish(runtime, make_celery(settings))
    duty._looked_at = -10.0
    return duty


def test_rescue_takes_back_what_has_stopped_beating(runtime, make_job, claim):
    job = claim(make_job().id)
    let_lease_run_out(runtime, job)
    do(runtime, patient_rescue(runtime))
    assert (read(runtime, job).status, read(runtime, job).crashes) == ("retrying", 1)


def test_rescue_leaves_alone_what_beats_and_what_has_ended(runtime, make_job, claim, lifecycle, probe):
    beating, ended = claim(make_job().id), claim(make_job().id)
    lifecycle.succeed(ended, probe, {}, None, actor="w")
    let_lease_run_out(runtime, ended)
    do(runtime, patient_rescue(runtime))
    assert (read(runtime, beating).status, read(runtime, ended).status) == ("running", "succeeded")


def test_rescue_judges_nobody_right_after_an_outage(runtime, make_job, claim):
    job = claim(make_job().id)
    let_lease_run_out(runtime, job)
    duty = patient_rescue(runtime)
    duty.interrupted()
    do(runtime, duty)
    assert read(runtime, job).status == "running"


def test_a_duty_is_done_by_one_worker_at_a_time(runtime):
    duty = Purge(runtime.storage, runtime.settings.audit_kept)
    with runtime.db.transaction() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:space, :lock)"), {"space": 0x5245, "lock": duty.lock})
        assert do(runtime, duty) is False
    assert do(runtime, duty) is True


def test_what_was_never_published_is_published(runtime, settings, make_job):
    job = make_job(published=False)
    do(runtime, republish(runtime, settings))
    assert messages(runtime) == 1
    assert read(runtime, job).published_at is not None


def test_what_redis_lost_is_published_again_and_what_it_holds_is_not(runtime, settings, make_job):
    for _ in range(5):
        make_job(published=False)
    duty = republish(runtime, settings)
    do(runtime, duty)
    with runtime.db.connect() as connection:
        connection.execute(text("UPDATE jobs SET published_at = now() - interval '1 minute'"))
    duty._looked_at = -10.0
    do(runtime, duty)
    assert messages(runtime) == 5
    runtime.redis.flushdb()  # Redis came back empty
    with runtime.db.connect() as connection:
        connection.execute(text("UPDATE jobs SET published_at = now() - interval '1 minute'"))
    duty._looked_at = -10.0
    do(runtime, duty)
    assert messages(runtime) == 5


def test_a_backlog_waits_in_postgres_and_redis_holds_a_window_of_it(runtime, settings, make_job):
    small = settings.model_copy(update={"publish_window": 10})
    narrow = type(runtime)(**{**vars(runtime), "settings": small})
    for _ in range(25):
        make_job(published=False)
    do(narrow, republish(narrow, small))
    assert messages(runtime) == 10


def test_what_is_urgent_is_published_first_into_a_list_of_its_own(runtime, settings, make_job):
    make_job(published=False)
    urgent = make_job(published=False, priority=9)
    do(runtime, republish(runtime, settings))
    assert runtime.redis.llen(list_of("quick", 9)) == 1
    assert runtime.redis.llen(list_of("quick", 5)) == 1
    assert str(urgent.id).encode() in runtime.redis.lindex(list_of("quick", 9), 0)


@pytest.mark.parametrize("lost_by", ["crash", "hand-back"])
def test_who_lost_its_turn_with_its_worker_does_not_stand_at_the_end_of_the_line_again(
    runtime, make_job, claim, lifecycle, lost_by
):
    lost = claim(make_job().id)
    for _ in range(3):
        make_job(published=False)
    if lost_by == "crash":
        lifecycle.crashed(lost, runtime.registry["probe"], "killed", actor="test")
        with runtime.db.transaction() as connection:
            connection.execute(text("UPDATE jobs SET run_at = now() WHERE id = :id"), {"id": lost.id})
            assert lifecycle.queue_due(connection)
    else:
        lifecycle.hand_back(lost.id, lost.attempt, actor="test")
    do(runtime, republish(runtime, runtime.settings))
    assert runtime.redis.llen(list_of("quick", 5)) == 3
    assert str(lost.id).encode() in runtime.redis.lindex(list_of("quick", 9), 0)


def test_a_paused_queue_is_not_fed(runtime, settings, make_job):
    make_job(published=False)
    with runtime.db.connect() as connection:
        connection.execute(text("INSERT INTO paused_queues VALUES ('quick', now(), 'me', NULL)"))
    do(runtime, republish(runtime, settings))
    assert messages(runtime) == 0


def test_an_expired_job_is_emptied_and_still_says_when_it_expired(runtime, make_job, claim, lifecycle, probe):
    job = claim(make_job(params={"label": "secret"}).id)
    lifecycle.succeed(job, probe, {"attempt": 1, "label": "secret"}, None, actor="w")
    with runtime.db.connect() as connection:
        connection.execute(text("UPDATE jobs SET expires_at = now() - interval '1 second'"))
    do(runtime, Purge(runtime.storage, runtime.settings.audit_kept))
    emptied = read(runtime, job)
    assert (emptied.result, emptied.params) == (None, {})
    assert emptied.purged_at is not None
    with runtime.db.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM job_events")).scalar() == 0


def test_an_expired_job_s_files_go_unless_something_else_names_them(runtime, make_job, claim, lifecycle, probe):
    first, second = (claim(make_job().id) for _ in range(2))
    shared, own = (runtime.storage.save(io.BytesIO(content)) for content in (b"shared", b"own"))
    with runtime.db.connect() as connection:
        for job, stored in ((first, shared), (first, own), (second, shared)):
            facts = {"sha256": stored.sha256, "bytes": stored.bytes, "media_type": "text/plain"}
            add_artifact(connection, id=uuid7(), job_id=job.id, name=stored.sha256, **facts)
    for job in (first, second):
        lifecycle.succeed(job, probe, {"attempt": 1, "label": ""}, None, actor="w")
    with runtime.db.connect() as connection:
        expire = text("UPDATE jobs SET expires_at = now() - interval '1 second' WHERE id = :id")
        connection.execute(expire, {"id": first.id})
    do(runtime, Purge(runtime.storage, runtime.settings.audit_kept))
    assert (runtime.storage.exists(shared.sha256), runtime.storage.exists(own.sha256)) == (True, False)


def test_the_survey_counts_what_waits_and_knows_each_place(runtime, make_job):
    first, second = make_job(), make_job()
    front = make_job(priority=9)
    do(runtime, Survey(runtime))
    places = {job.id: runtime.redis.zscore("reckoner:survey:quick", str(job.id)) for job in (first, second, front)}
    assert list(places.values()) == [2, 3, 1]


def test_a_board_never_goes_back_to_an_older_state(runtime, make_job, claim):
    board = Board(runtime.redis)
    queued = make_job()
    running = claim(queued.id)
    board.show([queued])  # a slow writer
    assert board.read(running.id).status == "running"


def test_a_visibility_timeout_shorter_than_the_longest_job_stops_the_start(settings):
    with pytest.raises(ValueError, match="longest_job"):
        Settings(**{**settings.model_dump(), "visibility_timeout": timedelta(minutes=1)})
