"""Redis or Postgres away: submit and poll go on or say so in time, and everything comes back by itself."""

import signal
import time

import pytest

from embedded.ports import is_free
from embedded.postgres import Postgres
from models.migrate import migrate
from tests.running import RunningPlatform, eventually


@pytest.fixture
def platform(make_platform):
    running = make_platform(lease=4, beat_every=0.5)
    running.start_api()
    running.start_worker()
    return running


@pytest.fixture
def http(platform):
    with platform.client() as client:
        yield client


def test_submit_and_poll_go_on_while_redis_is_down_and_jobs_run_once_it_is_back(platform, http, effects):
    http.ended(http.submit("probe", {})["id"])
    platform.valkey.stop()
    jobs = []
    for _ in range(5):
        answer = http.post("/api/v1/jobs", json={"kind": "probe", "params": {}})
        assert answer.status_code == 202
        jobs.append(answer.json()["id"])
        assert http.job(jobs[-1])["status"] == "queued"
    assert http.get("/health").status_code == 503
    platform.valkey.start()
    assert [http.ended(job, seconds=60)["status"] for job in jobs] == ["succeeded"] * 5
    assert all(effects(platform)[job] == 1 for job in jobs)


def test_jobs_run_when_redis_comes_back_empty(platform, http, effects):
    http.post("/api/v1/queues/quick/pause", json={})
    jobs = [http.submit("probe", {})["id"] for _ in range(5)]
    platform.valkey.kill()
    for leftover in platform.valkey.data.glob("**/*.aof*"):
        leftover.unlink()
    platform.valkey.start()
    http.post("/api/v1/queues/quick/resume")
    assert [http.ended(job, seconds=60)["status"] for job in jobs] == ["succeeded"] * 5
    assert effects(platform) == dict.fromkeys(jobs, 1)


def test_a_running_job_survives_an_outage_of_redis(platform, http, effects):
    job = http.submit("probe", {"seconds": 3})["id"]
    eventually(lambda: http.job(job)["status"] == "running")
    platform.valkey.stop()
    time.sleep(1)  # the outage itself
    platform.valkey.start()
    ended = http.ended(job)
    assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
    assert effects(platform) == {job: 1}


def test_polling_costs_no_query_while_redis_is_up(platform, http, look):
    job = http.ended(http.submit("echo", {"words": "x"})["id"])
    newest = "SELECT max(query_start) FROM pg_stat_activity WHERE application_name = 'reckoner api'"
    before = look(platform, newest)[0][0]
    for _ in range(50):
        assert http.job(job["id"])["status"] == "succeeded"
    assert look(platform, newest)[0][0] == before
    assert http.get("/api/v1/jobs").status_code == 200
    assert look(platform, newest)[0][0] > before  # the measure itself works


@pytest.fixture
def own_postgres(tmp_path, valkey_server):
    """A platform with a Postgres of its own, which a test may stop."""
    with Postgres(tmp_path / "pg", durable=False) as server:
        migrate(server.url)
        url = valkey_server.url.rsplit("/", 1)[0] + "/5"
        running = RunningPlatform(server.url, url, tmp_path / "home", lease=4, beat_every=0.5)
        running.postgres = server
        running.start_api()
        running.start_worker()
        yield running
        if not server.is_running:
            server.start()
        running.stop()


def test_without_postgres_submit_and_poll_say_so_within_five_seconds_and_recover(own_postgres):
    with own_postgres.client() as http:
        job = http.submit("probe", {"seconds": 3, "effect": False})["id"]
        eventually(lambda: http.job(job)["status"] == "running")
        own_postgres.postgres.stop()
        began = time.monotonic()
        refused = http.post("/api/v1/jobs", json={"kind": "echo", "params": {"words": "x"}})
        unknown = http.get("/api/v1/jobs/01a1fda2-7b3c-784f-8cee-964d916af15d")
        assert time.monotonic() - began < 10
        for answer in (refused, unknown):
            assert (answer.status_code, answer.json()["error"]) == (503, "database connection failed")
            assert answer.headers["Retry-After"]
        own_postgres.postgres.start()
        ended = http.ended(job, seconds=60)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        assert http.ended(http.submit("echo", {"words": "back"})["id"], seconds=30)["status"] == "succeeded"


def test_sigterm_stops_an_api_node_that_holds_waiting_clients(platform, http):
    job = http.submit("probe", {"seconds": 60})["id"]
    with http.get(f"/api/v1/jobs/{job}/events", headers={"Accept": "text/event-stream"}, stream=True) as stream:
        assert next(stream.iter_lines())
        platform.kill("api", signal.SIGTERM)
        platform.wait_gone("api", seconds=30)


def test_an_api_node_that_was_killed_leaves_nobody_on_its_port(platform):
    port = int(platform.url.rpartition(":")[2])
    platform.kill("api")
    platform.wait_gone("api")
    eventually(lambda: is_free(port))
