"""Kills, cancels and two runs at once: whatever happens, charges and rejects are raw rows, once each."""

from contextlib import contextmanager

import psycopg2
import pytest

from data.make_transactions import write
from models.ledger import PUBLISH_LOCK
from tests.etl.test_runs import counts, query
from tests.running import eventually

ROWS = 60_000
NO_LOAD = "LOCK TABLE raw_transactions IN ACCESS EXCLUSIVE MODE"  # making the load's tables waits for it
NO_PUBLISH = f"SELECT pg_advisory_lock({PUBLISH_LOCK})"

pytestmark = pytest.mark.timeout(300)


@contextmanager
def held_up(platform, statement):
    """Let a stage begin and not end, so that a fault hits it in the middle."""
    connection = psycopg2.connect(platform.environment["DATABASE_URL"])
    with connection.cursor() as cursor:
        cursor.execute(statement)
    yield
    connection.close()


def wait_for_stage(platform, job_id, kind):
    statement = f"SELECT 1 FROM jobs WHERE parent_id = '{job_id}' AND kind = '{kind}' AND status = 'running'"
    eventually(lambda: query(platform, statement), seconds=150)


def assert_whole(platform):
    raw, charges, rejects = counts(platform)
    assert raw == ROWS == charges + rejects
    summed = "SELECT sum(amount), count(*) FROM charges WHERE status IN ('paid', 'refunded')"
    kept = "SELECT sum(total_amount), sum(transaction_count) FROM daily_transactions"
    assert query(platform, summed) == query(platform, kept)


def kill_worker(platform):
    platform.kill_group("worker")
    platform.processes.pop("worker").wait()


@pytest.fixture
def own(make_platform):
    platform = make_platform()
    write(platform.home / "data" / "big.csv", ROWS, dirt=0.05, seed=11)
    platform.start_worker(wait=False)
    platform.start_api()
    return platform


@pytest.mark.chaos
def test_a_worker_killed_in_its_first_and_in_its_last_stage_costs_no_row_and_doubles_none(own):
    with own.client() as http:
        with held_up(own, NO_LOAD):
            job_id = http.submit("etl", {"filepath": "big.csv"})["id"]
            wait_for_stage(own, job_id, "etl_load")
            kill_worker(own)
        assert counts(own) == (0, 0, 0)
        with held_up(own, NO_PUBLISH):
            own.start_worker(wait=False)
            wait_for_stage(own, job_id, "etl_publish")
            kill_worker(own)
            assert counts(own) == (0, 0, 0)
        own.start_worker(wait=False)
        job = http.ended(job_id, 120)
        assert job["status"] == "succeeded", job
        assert_whole(own)
        attempts = query(own, f"SELECT kind, attempt FROM jobs WHERE parent_id = '{job_id}' ORDER BY id")
        assert [kind for kind, _ in attempts] == ["etl_load", "etl_extract", "etl_transform", "etl_publish"]
        assert [attempt > 1 for _, attempt in attempts] == [True, False, False, True]
        again = http.ended(http.submit("etl", {"filepath": "big.csv"})["id"])
        assert again["result"]["outcome"] == "unchanged"
        assert_whole(own)


@pytest.mark.chaos
def test_a_cancelled_run_shows_nothing_and_the_next_one_goes_on(own):
    with own.client() as http:
        with held_up(own, NO_PUBLISH):
            job_id = http.submit("etl", {"filepath": "big.csv"})["id"]
            wait_for_stage(own, job_id, "etl_publish")
            assert http.post(f"/api/v1/jobs/{job_id}/cancel", json={}).ok
            assert http.ended(job_id, 90)["status"] == "cancelled"
            assert counts(own) == (0, 0, 0)
            statement = f"SELECT status FROM jobs WHERE parent_id = '{job_id}' AND kind = 'etl_publish'"
            assert query(own, statement) == [("cancelled",)]
        job = http.ended(http.submit("etl", {"filepath": "big.csv"})["id"], 120)
        assert job["result"]["outcome"] == "published"
        assert_whole(own)


def test_a_run_is_cancelled_in_the_middle_of_a_statement(make_platform):
    platform = make_platform(cancel_grace=600)  # nothing is killed: the statement has to be stopped
    write(platform.home / "data" / "small.csv", 500, dirt=0.05, seed=12)
    platform.start_worker(wait=False)
    platform.start_api()
    with platform.client() as http:
        with held_up(platform, "LOCK TABLE charges IN ROW EXCLUSIVE MODE"):
            job_id = http.submit("etl", {"filepath": "small.csv"})["id"]
            waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'LOCK TABLE charges%'"
            eventually(lambda: query(platform, waits), seconds=60)
            assert http.post(f"/api/v1/jobs/{job_id}/cancel", json={}).ok
            assert http.ended(job_id, 60)["status"] == "cancelled"
            assert counts(platform) == (0, 0, 0)
        again = http.ended(http.submit("etl", {"filepath": "small.csv"})["id"], 60)
        assert again["result"]["charges_added"] + again["result"]["rows_rejected"] == 500


def test_two_runs_of_one_file_at_once_end_as_one_and_other_files_load_beside_it(own):
    write(own.home / "data" / "small.csv", 500, dirt=0.0, seed=99)
    with own.client() as http:
        with held_up(own, NO_PUBLISH):
            first = http.submit("etl", {"filepath": "big.csv"})["id"]
            wait_for_stage(own, first, "etl_publish")
            second = http.submit("etl", {"filepath": "big.csv"})["id"]
            eventually(lambda: http.job(second)["status"] == "running", seconds=60)
        third = http.submit("etl", {"filepath": "small.csv"})["id"]
        ended = [http.ended(job_id, 120) for job_id in (first, second, third)]
        assert [job["result"]["outcome"] for job in ended] == ["published", "unchanged", "published"]
        assert ended[0]["result"]["run"] == ended[1]["result"]["run"]
        raw, charges, rejects = counts(own)
        assert raw == ROWS + 500 == charges + rejects
