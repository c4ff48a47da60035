"""The routes of the number set, as its older clients know them."""

import pytest


@pytest.fixture
def numbers(http):
    http.post("/reset")
    return http


def test_extract_missing_status_and_reset(numbers):
    assert numbers.post("/extract/42").json() == {
        "success": True,
        "message": "Successfully extracted number 42",
        "extracted_number": 42,
        "remaining_count": 99,
    }
    missing = numbers.get("/missing").json()
    assert (missing["missing_number"], missing["calculation_method"]) == (42, "mathematical_sum")
    assert missing["extracted_numbers"] == [42]
    assert missing["execution_time_ms"] >= 0
    assert numbers.get("/status").json() == {
        "total_numbers": 100,
        "remaining_count": 99,
        "extracted_count": 1,
        "extracted_numbers": [42],
        "is_complete": False,
        "can_find_missing": True,
    }
    reset = numbers.post("/reset").json()
    assert (reset["success"], reset["total_numbers"]) == (True, 100)
    assert numbers.get("/status").json()["extracted_numbers"] == []


@pytest.mark.parametrize(
    ("number", "status", "error"),
    [
        ("0", 400, "NUMBER_OUT_OF_RANGE"),
        ("101", 400, "NUMBER_OUT_OF_RANGE"),
        ("-1", 400, "NUMBER_OUT_OF_RANGE"),
        ("9" * 3000, 400, "NUMBER_OUT_OF_RANGE"),
        ("9" * 5000, 422, "VALIDATION_ERROR"),
        ("abc", 422, "VALIDATION_ERROR"),
        ("1.5", 422, "VALIDATION_ERROR"),
        ("NaN", 422, "VALIDATION_ERROR"),
        ("%D9%A1", 422, "VALIDATION_ERROR"),
        ("5%20", 422, "VALIDATION_ERROR"),
    ],
)
def test_a_refusal_names_its_code_is_counted_and_changes_nothing(numbers, number, status, error):
    before = numbers.get("/errors/summary").json()["errors_by_code"].get(error, 0)
    answer = numbers.post(f"/extract/{number}")
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    wanted = {"number", "min_value", "max_value"} if status == 400 else {"validation_errors"}
    assert set(answer.json()["details"]) == wanted
    assert numbers.get("/errors/summary").json()["errors_by_code"][error] == before + 1
    assert numbers.get("/status").json()["extracted_count"] == 0


def test_twice_none_and_several(numbers):
    none = numbers.get("/missing")
    assert (none.status_code, none.json()["error"]) == (422, "NO_NUMBERS_EXTRACTED")
    numbers.post("/extract/1")
    again = numbers.post("/extract/1")
    assert (again.status_code, again.json()["error"]) == (409, "NUMBER_ALREADY_EXTRACTED")
    numbers.post("/extract/2")
    several = numbers.get("/missing")
    assert (several.status_code, several.json()["error"]) == (422, "MULTIPLE_NUMBERS_EXTRACTED")
    assert several.json()["details"]["extracted_count"] == 2


def test_a_key_extracts_once(numbers):
    first, again = (numbers.post("/extract/5", headers={"Idempotency-Key": "once"}) for _ in range(2))
    assert (first.json(), again.headers["Idempotent-Replayed"]) == (again.json(), "true")
    assert numbers.post("/extract/6", headers={"Idempotency-Key": "once"}).status_code == 422


def test_named_sets_have_their_own_numbers_and_any_maximum(http):
    path = "/api/v1/number-sets/tickets"
    assert http.put(path, json={"max_number": 10_000_000}).status_code == 201
    assert http.put(path, json={"max_number": 10_000_000}).status_code == 200
    assert http.put(path, json={"max_number": 5}).status_code == 409
    for number in (1, 2, 3, 9_999_999, 500):
        assert http.post(f"{path}/extract/{number}").status_code == 200
    first = http.get(f"{path}/missing?limit=2").json()
    assert [(one["first"], one["last"]) for one in first["data"]] == [(1, 3), (500, 500)]
    rest = http.get(f"{path}/missing", params={"cursor": first["next_cursor"]}).json()
    assert [(one["first"], one["last"], one["count"]) for one in rest["data"]] == [(9_999_999, 9_999_999, 1)]
    facts = http.get(path).json()
    assert (facts["extracted_count"], facts["missing_range_count"]) == (5, 3)
    assert http.delete(path).status_code == 204
    assert http.get(path).status_code == http.post(f"{path}/extract/1").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"max_number": 0}, {"max_number": 10_000_001}, {"max_number": "5"}, {"max_number": True}, {"max_number": 5.5}],
)
def test_a_set_without_a_usable_maximum_is_not_made(http, body):
    assert http.put("/api/v1/number-sets/wrong", json=body).status_code == 422
    assert http.get("/api/v1/number-sets/wrong").status_code == 404


def test_all_sets_are_listed_in_pages_each_as_it_is_now(http):
    for name, maximum in (("list-a", 10), ("list-b", 20), ("list-c", 30)):
        http.put(f"/api/v1/number-sets/{name}", json={"max_number": maximum})
    http.post("/api/v1/number-sets/list-b/extract/7")
    seen, cursor = [], ""
    while cursor is not None:
        page = http.get("/api/v1/number-sets", params={"limit": 2, "cursor": cursor}).json()
        assert len(page["data"]) <= 2
        seen += page["data"]
        cursor = page["next_cursor"]
    names = [each["name"] for each in seen]
    assert names == sorted(set(names))
    assert {"default", "list-a", "list-b", "list-c"} <= set(names)
    found = next(each for each in seen if each["name"] == "list-b")
    assert (found["max_number"], found["extracted_count"], found["remaining_count"]) == (20, 1, 19)
    assert found == http.get("/api/v1/number-sets/list-b").json()
    http.delete("/api/v1/number-sets/list-b")
    assert "list-b" not in [each["name"] for each in http.get("/api/v1/number-sets?limit=1000").json()["data"]]


def test_the_history_says_who_took_which_number_and_outlives_the_set(http):
    path = "/api/v1/number-sets/told"
    http.put(path, json={"max_number": 20})
    http.put(path, json={"max_number": 20})
    for _ in range(2):
        http.post(f"{path}/extract/17", headers={"Idempotency-Key": "once"})
    assert http.post(f"{path}/extract/17").status_code == 409
    http.post(f"{path}/reset")
    http.post(f"{path}/extract/17")
    http.delete(path)
    told = http.get(f"{path}/history").json()["data"]
    assert [(each["kind"], each["number"], each["extracted_count"]) for each in told] == [
        ("delete", 20, 0),
        ("extract", 17, 1),
        ("reset", 20, 0),
        ("extract", 17, 1),
        ("create", 20, 0),
    ]
    assert all(each["actor"] == "local" and each["node_id"] for each in told)
    assert [each["sequence"] for each in told] == sorted({each["sequence"] for each in told}, reverse=True)
    assert told[3]["idempotency_key"].endswith("/once")
    assert http.get(f"{path}/history?number=17").json()["data"] == [told[1], told[3]]
    assert http.get(f"{path}/history?number=20").json()["data"] == []
    first = http.get(f"{path}/history?limit=3").json()
    rest = http.get(f"{path}/history", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert (first["data"] + rest["data"], rest["next_cursor"]) == (told, None)


def test_a_set_begins_without_refusals_whatever_was_asked_of_its_name_before(http):
    path = "/api/v1/number-sets/later"
    assert http.post(f"{path}/extract/1").status_code == 404
    http.put(path, json={"max_number": 5})
    assert http.get(f"{path}/errors/summary").json()["total_errors"] == 0
    http.post(f"{path}/extract/6")
    assert http.get(f"{path}/errors/summary").json()["errors_by_code"] == {"NUMBER_OUT_OF_RANGE": 1}


def test_a_set_that_there_never_was_has_no_history(http):
    assert http.get("/api/v1/number-sets/never-made/history").status_code == 404
    assert http.get("/api/v1/number-sets/default/history").status_code == 200
