"""Owners are apart: jobs, files, artifacts, keys of requests, and what a hint would tell."""

import pytest
from sqlalchemy import delete, func, insert, select, update

from core.clock import uuid7
from models.job import Job
from models.session import Database
from models.worker import Worker
from tests.api.test_jobs import problem_of


@pytest.fixture
def anns(as_):
    """A job and a file of ann's."""
    client = as_("ann")
    job = client.submit("echo", {"words": "private words"}, tags=["private"], unique={"key": "ann's"})
    sent = client.post("/api/v1/files?name=private.csv", data=b"Numbers\n1\n2\n")
    yield {"job": job["id"], "file": sent.json()["id"], "sha256": sent.json()["sha256"]}
    client.post(f"/api/v1/jobs/{job['id']}/cancel", json={})


@pytest.fixture
def anns_running_job(guarded, anns):
    """As if a worker ran ann's job."""
    db = Database(guarded.environment["DATABASE_URL"])
    worker = {"id": uuid7(), "name": "w", "hostname": "h", "pid": 1, "queues": ["quick"], "concurrency": 1}
    with db.connect() as connection:
        now = connection.execute(select(func.now())).scalar_one()
        seen = {"version": "1", "status": "online", "started_at": now, "last_seen_at": now, "facts": None}
        connection.execute(insert(Worker).values(**worker, **seen))
        runs = {"status": "running", "worker_id": worker["id"], "started_at": now}
        connection.execute(update(Job).where(Job.id == anns["job"]).values(**runs))
    yield anns["job"]
    with db.connect() as connection:
        connection.execute(update(Job).where(Job.id == anns["job"]).values(status="queued", worker_id=None))
        connection.execute(delete(Worker).where(Worker.id == worker["id"]))
    db.close()


def test_a_worker_is_seen_busy_but_not_with_whose_job(as_, anns_running_job):
    for who, seen in (("bob", []), ("viewer", []), ("ann", [anns_running_job]), ("operator", [anns_running_job])):
        worker = as_(who).get("/api/v1/workers").json()["data"][0]
        assert worker["running"] == 1
        assert [run["job_id"] for run in worker["runs"]] == seen


@pytest.mark.parametrize("who", ["bob", "viewer"])
def test_what_is_anothers_looks_as_if_it_did_not_exist(as_, anns, who):
    nobody = "01980000-0000-7000-8000-000000000000"
    paths = [f"/api/v1/jobs/{{job}}{rest}" for rest in ("", "/params", "/result", "/events", "/logs", "/artifacts")]
    paths += ["/api/v1/jobs/{job}/artifacts/pairs.csv", "/api/v1/jobs/{job}/comparison?before={job}", "/two_sum/{job}"]
    paths += ["/api/v1/files/{file}", "/api/v1/files/{file}/content", "/api/v1/etl/runs/{job}", "/api/v1/sync/{job}"]
    for path in paths:
        theirs, missing = path.format(**anns), path.format(job=nobody, file=nobody)
        refused = problem_of(as_(who).get(theirs), 404)
        same = problem_of(as_(who).get(missing), 404)
        assert refused["title"] == same["title"]
        assert "private" not in str(refused)
        assert "ann" not in str(refused)


def test_nothing_of_anothers_can_be_changed(as_, anns):
    bob = as_("bob")
    problem_of(bob.post(f"/api/v1/jobs/{anns['job']}/cancel", json={}), 404)
    problem_of(bob.post(f"/api/v1/jobs/{anns['job']}/retry", json={}), 404)
    problem_of(bob.delete(f"/api/v1/files/{anns['file']}"), 404)
    for route in ("jobs:cancel", "jobs:retry"):
        for wanted in ({"ids": [anns["job"]]}, {"owner": "ann"}, {"tag": ["private"]}, {"kind": ["echo"]}):
            assert bob.post(f"/api/v1/{route}", json={"filter": wanted}).json()["matched"] == 0
    assert as_("ann").job(anns["job"])["status"] == "queued"


def test_lists_show_ones_own(as_, anns):
    bob = as_("bob")
    for path in ("/api/v1/jobs", "/api/v1/jobs?owner=ann", "/api/v1/jobs?tag=private", "/api/v1/files"):
        assert bob.get(path).json()["data"] == []
    assert anns["job"] in as_("operator").get("/api/v1/jobs?owner=ann").text


def test_a_file_of_anothers_is_no_input(as_, anns):
    params = {"file": anns["file"], "column": "Numbers", "target": 3}
    for route in ("/api/v1/jobs", "/api/v1/estimates"):
        answer = as_("bob").post(route, json={"kind": "two_sum", "params": params})
        assert answer.status_code == 404, answer.text
    assert as_("ann").post("/api/v1/estimates", json={"kind": "two_sum", "params": params}).status_code == 200


def test_the_same_content_uploaded_by_two_is_kept_while_either_has_it(as_, anns):
    """Knowing a content is no way to another's file, and deleting one's own does not delete theirs."""
    mine = as_("bob").post("/api/v1/files?name=b.csv", data=b"Numbers\n1\n2\n").json()
    assert mine["sha256"] == anns["sha256"]
    assert mine["id"] != anns["file"]
    assert as_("bob").delete(f"/api/v1/files/{mine['id']}").status_code == 204
    assert as_("ann").get(f"/api/v1/files/{anns['file']}/content").content == b"Numbers\n1\n2\n"


def test_an_idempotency_key_is_its_owners(as_):
    """The same key and body from another owner is another request; the first one's answer is not theirs."""
    body, key = {"kind": "echo", "params": {"words": "x"}}, {"Idempotency-Key": "the same for both"}
    made = [as_(who).post("/api/v1/jobs", json=body, headers=key).json() for who in ("ann", "bob", "ann")]
    assert made[0]["id"] == made[2]["id"] != made[1]["id"]
    assert made[1]["owner"] == "bob"
    sums = [as_(who).post("/abacus/number", json={"number": 1}, headers=key).json()["sum"] for who in ("ann", "bob")]
    assert sums[0] + 1 == sums[1]


def test_a_unique_key_is_its_owners(as_, anns):
    for policy in ("return_existing", "replace_queued"):
        job = as_("bob").submit("echo", {"words": "x"}, unique={"key": "ann's", "policy": policy})
        assert (job["id"] != anns["job"], job["owner"]) == (True, "bob")
        as_("bob").post(f"/api/v1/jobs/{job['id']}/cancel", json={})
    assert as_("ann").job(anns["job"])["status"] == "queued"


def test_a_role_cannot_be_claimed_in_a_request(as_):
    for extra in ({"owner": "ann"}, {"role": "admin"}, {"schedule": "sync"}, {"parent_id": None}, {"id": "x"}):
        answer = as_("bob").post("/api/v1/jobs", json={"kind": "echo", "params": {"words": "x"}, **extra})
        problem_of(answer, 422)
    headers = {
        "X-Forwarded-User": "admin",
        "X-Role": "admin",
        "X-Forwarded-For": "127.0.0.1",
        "X-HTTP-Method-Override": "GET",
    }
    problem_of(as_("bob").get("/api/v1/keys", headers=headers), 403)
    problem_of(as_(None).get("/api/v1/jobs", headers={**headers, "Cookie": "reckoner_session=x"}), 401)
