"""`POST /sync` over HTTP: waits, tells, and never starts a second one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.running import eventually
from tests.sync import outside as behaviour


@pytest.mark.parametrize("where", ["/sync", "/api/v1/sync"])
def test_a_sync_is_waited_for(client, where):
    answer = client.post(where)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["message"], body["items_processed"]) == ("sync completed successfully", 100)
    job = client.job(body["job_id"])
    assert job["result"]["added"] + job["result"]["changed"] + job["result"]["unchanged"] == 100
    assert body["timestamp"] == job["finished_at"]


def test_a_failed_sync_is_500_and_says_why(client, outside):
    outside.always = behaviour.status(404)
    answer = client.post("/sync")
    assert answer.status_code == 500
    assert answer.json()["error"] == "sync failed"
    assert "404" in answer.json()["message"]


def test_many_at_once_are_one_sync(outside, world):
    outside.next(behaviour.slow(1))
    sent = outside.requests

    def ask(_):
        with world.client() as session:
            return session.post("/api/v1/sync").json()["job_id"]

    with ThreadPoolExecutor(8) as pool:
        jobs = set(pool.map(ask, range(8)))
    assert len(jobs) == 1
    assert outside.requests == sent + 1


def test_a_job_of_the_kind_is_the_same_sync(client, outside):
    outside.next(behaviour.slow(1))
    running = client.submit("sync", {"full": True})
    assert client.post("/sync").json()["job_id"] == running["id"]
    again = client.post("/api/v1/jobs", json={"kind": "sync", "params": {}})
    assert again.status_code in {202, 409}


def test_a_long_sync_is_202_and_can_be_asked_for(make_platform, outside):
    platform = make_platform(external_api_url=outside.url, route_wait="1")
    platform.start_worker()
    platform.start_api()
    outside.next(behaviour.slow(4))
    with platform.client() as client:
        answer = client.post("/sync")
        assert answer.status_code == 202
        assert answer.headers["Location"].endswith(answer.json()["job_id"])
        ended = eventually(lambda: (later := client.get(answer.headers["Location"])).status_code == 200 and later)
        assert ended.json()["items_processed"] == 100
        assert client.get("/api/v1/sync/01a1fdab-e37e-7c30-9164-539ad2b75dc7").status_code == 404
