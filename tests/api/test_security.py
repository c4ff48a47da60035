"""Who gets in: keys, roles, owners apart, strange hosts and origins."""

import subprocess
import sys

import pytest

from core.clock import uuid7
from models.api_key import Role, add_key, new_secret
from models.session import Database
from tests.api.test_jobs import problem_of
from tests.running import ROOT, RunningPlatform

_HOLDERS = {"ann": Role.SUBMITTER, "bob": Role.SUBMITTER, "eve": Role.VIEWER, "ops": Role.OPERATOR, "root": Role.ADMIN}


@pytest.fixture(scope="module")
def guarded(make_database, valkey_server, tmp_path_factory):
    """A platform that asks for keys, and a client for each role and owner."""
    url = valkey_server.url.rsplit("/", 1)[0] + "/6"
    running = RunningPlatform(
        make_database("guarded"), url, tmp_path_factory.mktemp("guarded"), require_keys="1", rate_limit="200/minute"
    )
    db = Database(running.environment["DATABASE_URL"])
    running.keys = {}
    with db.connect() as connection:
        for owner, role in _HOLDERS.items():
            running.keys[owner] = new_secret()
            add_key(connection, uuid7(), running.keys[owner], name=owner, owner=owner, role=role)
    db.close()
    running.start_api()
    yield running
    running.stop()


@pytest.fixture
def as_(guarded):
    clients = []

    def client(owner=None):
        clients.append(guarded.client(guarded.keys.get(owner, owner)))
        return clients[-1]

    yield client
    for opened in clients:
        opened.close()


def test_without_a_key_nobody_gets_in(as_):
    answer = as_().get("/api/v1/jobs")
    assert "API key" in problem_of(answer, 401)["message"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    problem_of(as_("rk_wrong").get("/api/v1/jobs"), 401)
    assert as_().get("/livez").status_code == 200


def test_owners_do_not_see_each_others_jobs(as_):
    job = as_("ann").submit("echo", {"words": "mine"})
    for path in ("", "/params", "/result", "/events", "/logs"):
        problem_of(as_("bob").get(f"/api/v1/jobs/{job['id']}{path}"), 404)
    problem_of(as_("bob").post(f"/api/v1/jobs/{job['id']}/cancel", json={}), 404)
    problem_of(as_("bob").post(f"/api/v1/jobs/{job['id']}/retry", json={}), 404)
    assert as_("bob").get("/api/v1/jobs?owner=ann").json()["data"] == []
    assert as_("bob").post("/api/v1/jobs:cancel", json={"filter": {"ids": [job["id"]]}}).json()["matched"] == 0
    assert as_("ops").get(f"/api/v1/jobs/{job['id']}").json()["owner"] == "ann"


def test_each_role_may_do_what_it_is_for(as_):
    body = {"kind": "echo", "params": {"words": "x"}}
    problem_of(as_("eve").post("/api/v1/jobs", json=body), 403)
    problem_of(as_("ann").post("/api/v1/queues/quick/pause", json={}), 403)
    problem_of(as_("ops").get("/api/v1/keys"), 403)
    assert as_("ops").post("/api/v1/queues/heavy/pause", json={}).status_code == 200
    assert as_("ops").post("/api/v1/queues/heavy/resume").status_code == 200


def test_a_key_is_shown_once_stored_hashed_and_can_be_revoked(as_):
    made = as_("root").post("/api/v1/keys", json={"name": "ci", "owner": "ci", "role": "submitter"})
    assert made.status_code == 201
    secret = made.json()["key"]
    assert secret not in as_("root").get("/api/v1/keys").text
    assert as_(secret).get("/api/v1/jobs").status_code == 200
    assert as_("root").delete(f"/api/v1/keys/{made.json()['id']}").status_code == 204
    problem_of(as_("root").delete(f"/api/v1/keys/{made.json()['id']}"), 404)


def test_limits_are_said_in_standard_headers(as_):
    answer = as_("eve").get("/api/v1/kinds")
    assert answer.headers["RateLimit-Policy"] == '"default";q=200;w=60'
    assert answer.headers["RateLimit"].startswith('"default";r=')


def test_too_many_requests_are_429_with_a_time_to_wait(as_):
    client = as_("bob")
    answers = [client.get("/livez") for _ in range(450)]  # more than two windows hold
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert problem_of(refused[0], 429)["error"] == "rate_limited"
    assert as_("ann").get("/api/v1/kinds").status_code == 200  # each key has its own


def test_other_hosts_and_other_sites_are_refused_on_loopback(http):
    problem_of(http.get("/api/v1/jobs", headers={"Host": "evil.example"}), 403)
    body = {"kind": "echo", "params": {"words": "x"}}
    problem_of(http.post("/api/v1/jobs", json=body, headers={"Origin": "https://evil.example"}), 403)
    assert http.get("/api/v1/jobs", headers={"Origin": "https://evil.example"}).status_code == 200


def test_off_loopback_it_does_not_start_without_keys(guarded, make_database):
    environment = {**guarded.environment, "DATABASE_URL": make_database("open"), "RECKONER_HOST": "0.0.0.0"}
    run = subprocess.run(
        [sys.executable, "-m", "api"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.returncode != 0
    assert "without API keys" in run.stderr


def test_a_wrong_setting_stops_the_start_with_one_clear_line(guarded):
    environment = {**guarded.environment, "PORT": "many"}
    run = subprocess.run(
        [sys.executable, "-m", "api"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.returncode != 0
    assert run.stderr.strip().splitlines()[-1].startswith("reckoner cannot start: PORT:")
