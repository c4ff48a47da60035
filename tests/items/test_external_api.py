"""The external routes: an item first, then the outside API, and its failures in the words clients know."""

from __future__ import annotations

import json
import threading

import pytest

from tests.sync import outside as behaviour
from tests.sync.outside import post


@pytest.fixture
def item(client):
    """An item whose number the outside API knows."""

    def make():
        return client.post("/api/v1/items", json={"title": "wants data"}).json()

    return make


def test_fetched_data_is_stored_as_json_text(client, outside, item):
    made = item()
    outside.posts.append(post(made["id"], title="from outside"))
    answer = client.get(f"/api/v1/external/fetch-data/{made['id']}")
    assert answer.status_code == 200
    assert json.loads(answer.json()["external_data"])["id"] == made["id"]
    assert client.get(f"/api/v1/items/{made['id']}").json() == answer.json()


def test_an_unknown_item_is_404_before_any_call(client, outside):
    sent = outside.requests
    answer = client.get("/api/v1/external/fetch-data/999999999")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Item not found")
    assert outside.requests == sent


def test_the_first_five_posts_have_exactly_four_members(client, outside):
    outside.posts[0]["extra"] = "not shown"
    assert client.get("/api/v1/external/posts").json() == [
        {"id": n, "title": f"post {n}", "body": f"text of {n}", "userId": 1} for n in range(1, 6)
    ]


@pytest.mark.parametrize("trouble", [behaviour.status(404), behaviour.status(403), behaviour.html])
def test_a_refusal_or_nonsense_is_502(client, outside, item, trouble):
    made = item()
    outside.always = trouble
    for where in (f"/api/v1/external/fetch-data/{made['id']}", "/api/v1/external/posts"):
        answer = client.get(where)
        assert answer.status_code == 502
        assert answer.json()["detail"] == "Failed to fetch data from external API"
        if trouble is behaviour.html:
            return  # each of these waits through the whole backoff; one is enough
    assert client.get(f"/api/v1/items/{made['id']}").json()["external_data"] is None


def test_a_reset_that_passes_is_retried(client, outside):
    outside.next(behaviour.reset)
    assert client.get("/api/v1/external/posts").status_code == 200


def test_no_connection_is_502_and_says_what_happened(make_platform):
    with behaviour.OutsideApi() as gone:
        url = gone.url
    platform = make_platform(external_api_url=url)
    platform.start_api()
    with platform.client() as client:
        answer = client.get("/api/v1/external/posts")
    assert answer.status_code == 502
    assert answer.json()["detail"].startswith("Error connecting to external API: ")
    assert "refused" in answer.json()["detail"]


def test_a_hanging_outside_api_costs_ten_seconds_and_never_all_threads(client, outside, world):
    outside.always = behaviour.hang
    answers = []

    def ask():
        with world.client() as session:
            answers.append(session.get("/api/v1/external/posts"))

    asking = [threading.Thread(target=ask) for _ in range(20)]
    for one in asking:
        one.start()
    # Meanwhile everybody else is served.
    for _ in range(20):
        assert client.get("/api/v1/items?limit=1").status_code == 200
    for one in asking:
        one.join()
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {502, 503}
    assert all("Retry-After" in answer.headers for answer in answers if answer.status_code == 503)
    assert max(answer.elapsed.total_seconds() for answer in answers) < 20


def test_an_open_breaker_fails_fast_is_seen_and_can_be_reset(client, outside):
    outside.always = behaviour.status(503)
    for _ in range(2):
        assert client.get("/api/v1/external/posts").status_code in {502, 503}
    (seen,) = client.get("/api/v1/breakers").json()["data"]
    assert (seen["name"], seen["state"]) == ("external_api", "open")
    assert seen["next_try_at"] > seen["opened_at"]
    assert 'reckoner_breaker_state{breaker="external_api"} 2.0' in client.get("/metrics").text
    sent = outside.requests
    answer = client.get("/api/v1/external/posts")
    assert (answer.status_code, answer.json()["error"]) == (503, "breaker_open")
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    failed = client.post("/api/v1/sync")
    assert (failed.status_code, failed.json()["details"]["code"]) == (500, "breaker_open")
    assert outside.requests == sent
    outside.always = behaviour.well_behaved
    assert client.post("/api/v1/breakers/external_api/reset").json()["state"] == "closed"
    assert client.get("/api/v1/external/posts").status_code == 200
    assert client.get("/api/v1/breakers/nobody").status_code == 404
