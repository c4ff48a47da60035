"""The routes of the running sum, as its older clients know them, on one node."""

import json
from uuid import uuid4

import pytest

HIGHEST = 2**63 - 1


@pytest.fixture
def name():
    return f"t-{uuid4().hex}"


@pytest.fixture
def add(http, name):
    def add(number, key=None):
        headers = {"Idempotency-Key": key} if key else {}
        return http.post(f"/api/v1/abacus/{name}", json={"number": number}, headers=headers)

    return add


def test_the_older_routes_add_read_and_reset(http):
    assert http.delete("/abacus/sum").json()["message"] == "Sum successfully reset to 0"
    added = http.post("/abacus/number", json={"number": 42}).json()
    assert set(added) == {"new_sum", "sum", "added", "timestamp", "node_id"}
    assert (added["new_sum"], added["sum"], added["added"]) == (42, 42, 42)
    read = http.get("/abacus/sum").json()
    assert (set(read), read["sum"]) == ({"sum", "timestamp", "node_id"}, 42)
    assert http.get("/health").json()["current_sum"] == 42
    reset = http.delete("/abacus/sum")
    assert (reset.status_code, reset.json()["sum"]) == (200, 0)
    assert http.get("/abacus/sum").json()["sum"] == 0


@pytest.mark.parametrize("text", ["42", "-42", "0", "5.0", "-0.0", "1e3", str(HIGHEST), str(-HIGHEST - 1)])
def test_what_is_an_integer_is_added(http, name, text):
    answer = http.post(
        f"/api/v1/abacus/{name}", data=f'{{"number": {text}}}', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200
    assert answer.json()["sum"] == http.get(f"/api/v1/abacus/{name}").json()["sum"] == int(float(text)) or int(text)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "5",
        "{}",
        '{"number": null}',
        '{"number": true}',
        '{"number": false}',
        '{"number": "5"}',
        '{"number": ""}',
        '{"number": 1.5}',
        '{"number": NaN}',
        '{"number": Infinity}',
        '{"number": -Infinity}',
        '{"number": 1e400}',
        '{"number": 9007199254740993.0}',
        '{"number": [5]}',
        '{"number": {"number": 5}}',
        '{"number": ' + "9" * 5000 + "}",
        '{"number": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"number": 5',
        "\xff\xfe",
        '{"Number": 5}',
    ],
)
def test_what_is_no_integer_is_422_and_changes_nothing(http, add, name, body):
    add(7)
    answer = http.post(
        f"/api/v1/abacus/{name}", data=body.encode("latin-1"), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {"error", "message", "detail"} <= set(answer.json())
    assert http.get(f"/api/v1/abacus/{name}").json()["sum"] == 7


@pytest.mark.parametrize(
    ("start", "number"), [(HIGHEST, 1), (-HIGHEST - 1, -1), (1, HIGHEST), (0, 2**63), (0, 10**4000)]
)
def test_beyond_64_bits_is_409_and_changes_nothing(http, add, name, start, number):
    add(start)
    answer = add(number)
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")
    assert http.get(f"/api/v1/abacus/{name}").json()["sum"] == start


def test_a_body_that_is_not_json_by_its_type_is_415_and_a_wrong_method_405(http, name):
    path = f"/api/v1/abacus/{name}"
    answer = http.post(path, data='{"number": 5}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
    assert http.put("/abacus/sum").status_code == 405
    assert http.get(path).json()["sum"] == 0


def test_a_repeated_key_gets_the_first_answer_and_another_body_is_422(http, add, name):
    first = add(5, "k")
    add(1)
    again = add(5, "k")
    assert again.json() == first.json()
    assert (again.headers["Idempotent-Replayed"], "Idempotent-Replayed" in first.headers) == ("true", False)
    assert add(6, "k").status_code == 422
    assert http.delete(f"/api/v1/abacus/{name}", headers={"Idempotency-Key": "k"}).status_code == 422
    assert add(5, "x" * 201).status_code == 422
    assert http.get(f"/api/v1/abacus/{name}").json()["sum"] == 6


def test_without_a_key_two_equal_posts_are_two_adds(add):
    assert [add(5).json()["sum"], add(5).json()["sum"]] == [5, 10]


def test_the_history_says_who_added_what_in_pages(http, add, name):
    for number in range(1, 8):
        add(number, f"k{number}")
    http.delete(f"/api/v1/abacus/{name}")
    seen, cursor = [], None
    while True:
        page = http.get(f"/api/v1/abacus/{name}/history", params={"limit": 3, "cursor": cursor}).json()
        seen += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [entry["sequence"] for entry in seen] == list(range(8, 0, -1))
    assert (seen[0]["kind"], seen[0]["sum"]) == ("reset", 0)
    assert [entry["amount"] for entry in reversed(seen[1:])] == list(range(1, 8))
    assert seen[1]["idempotency_key"].endswith("/k7")
    assert {entry["actor"] for entry in seen} == {"local"}


def test_the_statement_replays_the_history_to_the_sum(http, add, name):
    for number in (5, -2, HIGHEST - 3):
        add(number)
    http.delete(f"/api/v1/abacus/{name}")
    add(8)
    said = http.get(f"/api/v1/abacus/{name}/statement").json()
    assert (said["explained"], said["opening"]["sequence"], said["adds"], said["added"]) == (True, 4, 1, 8)
    whole = http.get(f"/api/v1/abacus/{name}/statement?after=0").json()
    assert (whole["explained"], whole["entries"], whole["adds"], whole["resets"]) == (True, 5, 4, 1)
    assert whole["added"] == 3 + HIGHEST - 3 + 8
    assert whole["replayed_sum"] == whole["sum"] == 8
    assert http.get(f"/api/v1/abacus/{name}/statement?after=9").status_code == 422


def test_a_statement_tells_of_a_history_that_does_not_explain_the_sum(http, platform, add, name):
    from sqlalchemy import create_engine, text

    for number in (5, 6, 7):
        add(number)
    assert http.get(f"/api/v1/abacus/{name}/statement").json()["explained"]
    engine = create_engine(platform.environment["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg2:"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE running_sum_entries SET amount = 60 WHERE name = :n AND seq = 2"), {"n": name})
    engine.dispose()
    said = http.get(f"/api/v1/abacus/{name}/statement").json()
    assert (said["explained"], said["breaks"]) == (False, 1)


def test_names_are_listed_in_pages(http, add, name):
    add(1)
    seen, cursor = [], ""
    while cursor is not None:
        page = http.get("/api/v1/abacus", params={"limit": 1, "cursor": cursor}).json()
        seen += page["data"]
        cursor = page["next_cursor"]
    assert name in seen
    assert seen == sorted(set(seen))


@pytest.mark.parametrize("wrong", ["UP", "a%20b", "x" * 65, "%2e%2e", "-a"])
def test_a_wrong_name_is_422(http, wrong):
    answer = http.post(f"/api/v1/abacus/{wrong}", json={"number": 1})
    assert answer.status_code in {404, 422}
    assert json.loads(answer.text)["message"]


def test_an_add_is_answered_alike_on_the_event_loop_and_by_flask(http, name):
    """A charset beside the type sends a request to Flask; what clients see is the same."""
    plain = {"Content-Type": "application/json", "X-Request-ID": "mine", "Idempotency-Key": "k"}
    quick = http.post(f"/api/v1/abacus/{name}", data='{"number": 5}', headers=plain)
    plain["Content-Type"] += "; charset=utf-8"
    slow = http.post(f"/api/v1/abacus/{name}", data='{"number": 5}', headers=plain)
    assert (quick.status_code, quick.content) == (slow.status_code, slow.content)
    for header in ("Content-Type", "X-Request-ID", "traceparent", "X-Content-Type-Options"):
        assert header in quick.headers
        assert header in slow.headers
    assert quick.headers["X-Request-ID"] == slow.headers["X-Request-ID"] == "mine"
    slow = http.post(
        f"/api/v1/abacus/{name}", data=f'{{"number": {HIGHEST}}}', headers=plain | {"Idempotency-Key": "l"}
    )
    plain["Content-Type"] = "application/json"
    quick = http.post(
        f"/api/v1/abacus/{name}", data=f'{{"number": {HIGHEST}}}', headers=plain | {"Idempotency-Key": "l"}
    )
    assert (quick.status_code, quick.json()) == (slow.status_code, slow.json()) == (409, slow.json())
    assert quick.headers["X-Request-ID"] == "mine"


def test_adds_on_the_event_loop_are_counted_in_the_metrics(http, add):
    def counted():
        line = 'reckoner_http_seconds_count{method="POST",route="/api/v1/abacus/<name>",status="200"}'
        found = [text for text in http.get("/metrics").text.splitlines() if text.startswith(line)]
        return float(found[0].split()[-1]) if found else 0

    before = counted()
    add(1)
    assert counted() == before + 1


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_strangers_are_refused_and_change_nothing(http, add, name, headers):
    add(7)
    answer = http.post(f"/api/v1/abacus/{name}", json={"number": 5}, headers=headers)
    assert answer.status_code == 403
    assert http.get(f"/api/v1/abacus/{name}").json()["sum"] == 7


def test_with_keys_only_a_known_submitter_adds(make_platform):
    platform = make_platform(api_workers=1, bootstrap_key="rk_" + "a" * 40, require_keys="true")
    platform.start_api()
    with platform.client() as stranger, platform.client("rk_" + "a" * 40) as admin, platform.client("rk_x") as wrong:
        made = admin.post("/api/v1/keys", json={"name": "v", "owner": "v", "role": "viewer"}).json()
        for client in (stranger, wrong):
            assert client.post("/abacus/number", json={"number": 5}).status_code == 401
        with platform.client(made["key"]) as viewer:
            for _ in range(2):
                assert viewer.post("/abacus/number", json={"number": 5}).status_code == 403
        assert [admin.post("/abacus/number", json={"number": 5}).json()["sum"] for _ in range(2)] == [5, 10]
        keyed = {"Idempotency-Key": "k"}
        assert [admin.post("/abacus/number", json={"number": 1}, headers=keyed).json()["sum"] for _ in range(2)] == [
            11,
            11,
        ]
