"""Items over HTTP, as clients of the older services know them."""

from __future__ import annotations

import threading
import uuid

import pytest
from sqlalchemy import text

from tests.running import eventually


@pytest.fixture
def add(client):
    def make(title="a title", **more):
        answer = client.post("/api/v1/items", json={"title": title, **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make


def test_an_item_is_added_read_rewritten_and_deleted(client, add):
    made = add("first", description="d")
    assert set(made) == {"id", "title", "description", "external_data", "created_at", "updated_at"}
    where = f"/api/v1/items/{made['id']}"
    assert client.get(where).json() == made
    changed = client.put(where, json={"title": "second"}).json()
    assert (changed["title"], changed["description"]) == ("second", None)
    assert changed["updated_at"] > made["updated_at"]
    gone = client.delete(where)
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "DELETE"):
        answer = client.request(method, where)
        assert (answer.status_code, answer.json()["detail"]) == (404, "Item not found")
    assert client.put(where, json={"title": "x"}).json()["detail"] == "Item not found"


@pytest.mark.parametrize("body", [{}, [], *({"title": title} for title in (5, None, True, "", "a\x00"))])
def test_a_body_without_a_usable_title_is_422_with_each_wrong_field(client, body):
    for method, where in (("POST", "/api/v1/items"), ("PUT", "/api/v1/items/1")):
        answer = client.request(method, where, json=body)
        assert answer.status_code == 422, answer.text
        assert all({"loc", "msg", "type"} <= set(problem) for problem in answer.json()["detail"])


@pytest.mark.parametrize("where", ["/abc", "/99999999999999999999", "?limit=0", "?cursor=x"])
def test_what_cannot_be_meant_is_422(client, where):
    assert client.get(f"/api/v1/items{where}").status_code == 422


def test_a_repeated_post_with_a_key_adds_once(client, add):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, second = (client.post("/api/v1/items", json={"title": "once"}, headers=key) for _ in range(2))
    assert first.json() == second.json()
    assert add("once")["id"] != first.json()["id"]


def test_the_list_is_newest_first_and_has_both_shapes(client, add):
    mine = [add(f"listed {n}")["id"] for n in range(3)]
    answer = client.get("/api/v1/items?limit=3").json()
    assert [item["id"] for item in answer["data"]] == mine[::-1]
    assert answer["items"] == answer["data"]
    assert answer["count"] == 3 <= answer["total"]
    assert answer["timestamp"] < answer["cache_expires_at"]


def test_pages_join_without_a_gap(client, add):
    for n in range(7):
        add(f"paged {n}")
    seen, cursor = [], None
    while True:
        query = {"limit": 3, "title": "paged"} | ({"cursor": cursor} if cursor else {})
        page = client.get("/api/v1/items", params=query).json()
        assert page["total"] == 7
        seen += [item["title"] for item in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"paged {n}" for n in reversed(range(7))]


def test_titles_are_searched_for_what_was_typed(client, add):
    add("100% Sure_thing")
    add("100 sure things")
    found = client.get("/api/v1/items", params={"title": "0% SURE_"}).json()
    assert [item["title"] for item in found["data"]] == ["100% Sure_thing"]


def test_the_second_list_comes_from_the_cache_and_says_so(client, add):
    add()
    first, second = (client.get("/api/v1/items?limit=2") for _ in range(2))
    assert [answer.headers["X-Cache"] for answer in (first, second)] == ["MISS", "HIT"]
    assert [answer.json()["cached"] for answer in (first, second)] == [False, True]
    assert first.json() | {"cached": True} == second.json()


@pytest.mark.parametrize("query", ["", "limit=2", "limit=2&title=%C3%A9+x", "title="])
def test_a_hit_is_the_same_whether_the_loop_answers_or_flask(client, add, query):
    """Flask sees every request that brings an id of its own."""
    add("é x")
    quick = eventually(lambda: _hit(client.get(f"/api/v1/items?{query}")))
    ordinary = eventually(lambda: _hit(client.get(f"/api/v1/items?{query}", headers={"X-Request-ID": "mine"})))
    assert quick.content == ordinary.content
    shown = [{name.lower(): each.headers[name] for name in each.headers} for each in (quick, ordinary)]
    for own in ("x-request-id", "traceparent", "date"):
        assert (own in shown[0]) == (own in shown[1])
        shown[0].pop(own, None), shown[1].pop(own, None)
    assert shown[0] == shown[1]


def _hit(answer):
    return answer if answer.headers["X-Cache"] == "HIT" else None


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=2&limit=3", "cursor=0", "title=%00"])
def test_an_odd_question_is_answered_as_before(client, query):
    assert client.get(f"/api/v1/items?{query}").status_code == (200 if query.count("limit") > 1 else 422)


def test_every_write_is_in_the_next_list(client, add):
    def listed():
        return {item["id"]: item for item in client.get("/api/v1/items?limit=50").json()["data"]}

    item_id = add()["id"]
    assert item_id in listed()
    client.put(f"/api/v1/items/{item_id}", json={"title": "new"})
    assert listed()[item_id]["title"] == "new"
    client.delete(f"/api/v1/items/{item_id}")
    assert item_id not in listed()


def test_a_sync_is_in_the_next_list(client, outside):
    assert client.post("/api/v1/sync").status_code == 200
    client.get("/api/v1/items?limit=1000")
    for round_number in range(3):
        outside.posts[7]["title"] = f"as of round {round_number}"
        assert client.post("/api/v1/sync").status_code == 200
        listed = client.get("/api/v1/items?limit=1000").json()["data"]
        assert next(item for item in listed if item.get("external_id") == 8)["title"] == f"as of round {round_number}"


def test_no_list_is_ever_behind_an_acknowledged_write(world):
    """Two API processes, one writer, many readers: each list has at least what was acknowledged before it was asked."""
    acknowledged, behind, hits, over = [0], [], [0], threading.Event()
    with world.client() as session:
        session.get("/api/v1/items?limit=1")

    def read():
        with world.client() as session:
            while not over.is_set():
                promised = acknowledged[0]
                answer = session.get("/api/v1/items?limit=1")
                hits[0] += answer.headers["X-Cache"] == "HIT"
                if answer.json()["data"][0]["id"] < promised:
                    behind.append((promised, answer.json()["data"][0]["id"]))

    readers = [threading.Thread(target=read) for _ in range(4)]
    with world.client() as session:
        acknowledged[0] = session.post("/api/v1/items", json={"title": "race"}).json()["id"]
        for reader in readers:
            reader.start()
        for _ in range(150):
            acknowledged[0] = session.post("/api/v1/items", json={"title": "race"}).json()["id"]
    over.set()
    for reader in readers:
        reader.join()
    assert behind == []
    assert hits[0] > 0


def test_without_redis_items_still_answer(make_platform):
    platform = make_platform()
    platform.start_api()
    with platform.client() as client:
        first = client.post("/api/v1/items", json={"title": "before"}).json()
        client.get("/api/v1/items")
        platform.valkey.stop()
        answer = client.get("/api/v1/items")
        assert (answer.status_code, answer.headers["X-Cache"]) == (200, "BYPASS")
        assert answer.json()["data"] == [first]
        second = client.post("/api/v1/items", json={"title": "during"})
        assert second.status_code == 201
        assert client.get("/api/v1/items").json()["data"] == [second.json(), first]
        platform.valkey.start()
        # The old entry is there again with Redis; it must not be believed.
        assert eventually(lambda: client.get("/api/v1/items").headers["X-Cache"] in {"HIT", "MISS"})
        assert client.get("/api/v1/items").json()["data"] == [second.json(), first]


def test_a_list_too_large_to_keep_is_answered_all_the_same(client, world_db):
    with world_db.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO items (title, body, created_at, updated_at) "
                "SELECT 'huge', repeat('x', 2000), now(), now() FROM generate_series(1, 1000)"
            )
        )
    answer = client.get("/api/v1/items?title=huge&limit=1000")
    assert answer.json()["count"] == 1000
    with world_db.connect() as connection:
        connection.execute(text("DELETE FROM items WHERE title = 'huge'"))
