"""What nobody goes on with is removed by age; what lives, waits or shows is never touched."""

import os
from contextlib import ExitStack
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from core.clock import now, uuid7
from core.errors import ConflictError
from models.etl_run import let_go, try_hold
from models.etl_staging import Staging
from tasks.context import JobContext, session_of
from tasks.etl.contract import STAGING_KEPT
from tasks.etl.stages.context import Watched
from tasks.etl.stages.hold import held_run_of, known_run
from tasks.etl.stages.load import load
from tasks.etl.stages.transform import transform
from tasks.etl.stages.workplace import no_tick
from tasks.submission import Submission, submit
from tests.etl.loading import Loader, line
from tests.running import eventually
from workers.housekeeping.keeper import Housekeeping
from workers.housekeeping.purge_staging import PurgeStaging
from workers.housekeeping.rescue import Rescue

TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'etl_loads'::regnamespace AND relkind = 'r' ORDER BY 1"


@pytest.fixture
def loader(runtime, tmp_path):
    return Loader(runtime.db, tmp_path)


@pytest.fixture
def make_context(runtime, lifecycle):
    """A claimed job of the ETL, whatever its params are."""

    def make():
        with runtime.db.connect() as connection:
            job = submit(connection, Submission(runtime.registry["etl"], {}, "somebody"), published=True).job
        claimed = lifecycle.claim(job.id, worker_id=uuid7(), pid=1, actor="test worker")
        return JobContext(claimed, runtime, lambda: False)

    return make


@pytest.fixture
def staged(loader):
    """A run that got as far as its judged rows, left alone for so long."""

    def make(*, age=STAGING_KEPT * 2, name="a"):
        path = loader.file(line(name))
        run = loader.open(path)
        load(loader.place, run, path)
        transform(loader.place, known_run(loader.db, run.id))
        grow_old(loader, run, age)
        return known_run(loader.db, run.id)

    return make


def grow_old(loader, run, age):
    with loader.db.transaction() as connection:
        connection.execute(
            text("UPDATE etl_runs SET updated_at = now() - :age WHERE id = :id"), {"age": age, "id": run.id}
        )


def purge(runtime, loader):
    """What the purge said it removed."""
    duty = PurgeStaging(loader.place.folder)
    with structlog.testing.capture_logs() as logs:
        assert Housekeeping(runtime, [duty], lambda: False).do(duty)
    assert not [entry for entry in logs if entry["event"] in {"duty_raised", "duty_failed"}]
    return [entry for entry in logs if entry["event"].startswith("etl_")]


def test_an_abandoned_run_loses_its_tables_and_its_files_and_says_why(runtime, loader, staged):
    run, young = staged(), staged(age=STAGING_KEPT - timedelta(hours=1), name="b")
    spool = loader.place.spool_of(run.id)
    os.utime(spool, times=((now() - STAGING_KEPT * 2).timestamp(),) * 2)
    said = purge(runtime, loader)
    assert [(entry["event"], entry.get("run")) for entry in said] == [
        ("etl_staging_purged", str(run.id)),
        ("etl_files_purged", None),
    ]
    assert (said[0]["tables"], said[0]["bytes"] > 0, spool.exists()) == (6, True, False)
    assert all(name.split("_")[1] == str(young.load_id) for (name,) in loader.all(TABLES))
    gone = known_run(loader.db, run.id)
    assert (gone.status, "7 days" in gone.stages["error"]) == ("failed", True)
    assert known_run(loader.db, young.id).status == "open"
    assert loader.place.spool_of(young.id).exists()
    assert purge(runtime, loader) == []


def test_a_purged_file_can_be_sent_again_and_its_old_run_cannot_go_on(runtime, loader, staged):
    run = staged()
    purge(runtime, loader)
    with pytest.raises(ConflictError, match="nobody went on with it"):
        transform(loader.place, known_run(loader.db, run.id))
    again = loader.run(loader.folder / "file1.csv")
    assert (again.id == run.id, again.status, loader.counts()) == (False, "published", (1, 1, 0))


def test_a_published_run_keeps_its_rows_however_old(runtime, loader, monkeypatch):
    monkeypatch.setattr("models.ledger.SMALL", 0)  # so that its raw table stays where it was staged
    run = loader.run(loader.file(line("a")))
    grow_old(loader, run, STAGING_KEPT * 9)
    assert purge(runtime, loader) == []
    assert loader.counts() == (1, 1, 0)


def test_rows_that_a_notebook_shows_are_no_leftovers(runtime, loader, staged):
    run = staged()
    with loader.db.transaction() as connection:
        Staging(run.load_id).show_raw(connection)
    assert purge(runtime, loader) == []
    assert loader.counts() == (1, 0, 0)


def test_a_run_that_somebody_holds_is_left_alone(runtime, loader, staged):
    run = staged()
    with loader.db.connect() as connection:
        assert try_hold(connection, run.id)
        assert purge(runtime, loader) == []
        let_go(connection, run.id)
    assert len(purge(runtime, loader)) == 1


@pytest.mark.parametrize("kind", ["etl", "etl_publish"])
def test_a_run_that_an_unfinished_job_may_have_begun_waits_for_it(runtime, loader, staged, kind):
    """A job can wait in a paused queue for longer than anything is kept."""
    run = staged()
    with loader.db.transaction() as connection:
        job = submit(
            connection, Submission(runtime.registry[kind], {"run": str(run.id)}, "somebody"), published=True
        ).job
        connection.execute(
            text("UPDATE jobs SET created_at = now() - :age WHERE id = :id"), {"age": STAGING_KEPT * 3, "id": job.id}
        )
    assert purge(runtime, loader) == []
    with loader.db.transaction() as connection:
        connection.execute(text("UPDATE jobs SET status = 'cancelled' WHERE id = :id"), {"id": job.id})
    assert len(purge(runtime, loader)) == 1


def test_who_waits_for_a_run_that_is_purged_meanwhile_gets_a_new_one(runtime, loader, staged, make_context):
    run = staged()
    found, settings = loader.found(loader.folder / "file1.csv")
    asked = []

    def tick(*_, **__):
        asked.append(purge_under_lock())

    def purge_under_lock():
        let_go(holder, run.id)
        return purge(runtime, loader)

    with loader.db.connect() as holder:
        assert try_hold(holder, run.id)
        with held_run_of(make_context(), found, settings, tick) as held:
            assert (held.id == run.id, held.status) == (False, "open")
    assert [entry["event"] for entry in asked[0]] == ["etl_staging_purged"]


def test_scratch_of_killed_stages_goes_by_age(runtime, loader):
    folder = loader.place.folder
    old = (now() - STAGING_KEPT * 2).timestamp()
    for name in ("tmpold", "tmpyoung"):
        (folder / name).mkdir(parents=True)
        (folder / name / "companies.sqlite").write_bytes(b"x")
    (folder / f"{uuid7()}.part").write_bytes(b"x")
    for path in (folder / "tmpold", *folder.glob("*.part")):
        os.utime(path, times=(old, old))
    assert [entry["files"] for entry in purge(runtime, loader)] == [2]
    assert [path.name for path in folder.iterdir()] == ["tmpyoung"]


def test_rescue_ends_the_sessions_of_a_frozen_run_so_that_another_worker_can_go_on(runtime, loader, make_context):
    """A frozen process lets go of nothing by itself, and a COPY that it feeds is never idle."""
    frozen = make_context()
    found, settings = loader.found(loader.file(line("a")))
    with ExitStack() as held:
        run = held.enter_context(held_run_of(frozen, found, settings, no_tick))
        with runtime.db.connect() as connection:
            expire = text("UPDATE jobs SET lease_until = clock_timestamp() WHERE id = :id")
            connection.execute(expire, {"id": frozen.id})
        rescue = Rescue(runtime)
        rescue._watching_since = float("-inf")
        with runtime.db.transaction() as connection:
            rescue.run(connection)
        with runtime.db.connect() as other:
            eventually(lambda: try_hold(other, run.id))
            let_go(other, run.id)
        with pytest.raises(OperationalError, match="terminat"):
            held.close()


def test_a_session_is_called_after_its_job_only_as_long_as_it_works_for_it(runtime, make_context):
    context = make_context()
    place = Watched(context, "load").place
    asked = text("SHOW application_name")
    with place.transaction() as connection:
        assert connection.execute(asked).scalar() == session_of(context.job)
    with runtime.db.connect(session_of(context.job)) as connection:
        assert connection.execute(asked).scalar() == session_of(context.job)
    for connect in (runtime.db.connect, runtime.db.transaction):
        with connect() as connection:
            assert connection.execute(asked).scalar() != session_of(context.job)
