"""Query values, headers, paths and texts at their edges: an answer for each, and never a 500."""

import pytest

from tests.api.test_jobs import problem_of

_NUMBERS = ["-1", "9" * 19, "9" * 40, "9" * 5000, "1e3", "nan", "inf", "0x10", "%D9%A3", "", "%20", "1;DROP TABLE jobs"]
_TAKES_NUMBERS = [
    "/api/v1/jobs?limit={}",
    "/api/v1/jobs/{job}/events?after={}",
    "/api/v1/jobs/{job}/logs?after={}",
    "/api/v1/jobs/{job}/logs?attempt={}",
    "/api/v1/items?cursor={}",
    "/api/v1/items/{}",
    "/api/v1/orders?customer_id={}",
    "/api/v1/orders/{}",
    "/api/v1/abacus/default/history?cursor={}",
    "/api/v1/abacus/default/statement?after={}",
    "/api/v1/number-sets/default/missing?cursor={}",
    "/api/v1/analytics/orders/status?days={}",
    "/api/v1/external/fetch-data/{}",
]
_WAITS = ["nan", "inf", "-inf", "1e308", "-1", "1e400", "", "abc", "9" * 5000, "%D9%A9"]
_MOMENTS = ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00%2B23:59", "2026-13-01T00:00:00Z", "1e400", "nan", "now"]
_TEXTS = ["%00", "a%00b", "%FF%FE", "%ED%A0%80", "..%2F..%2Fetc%2Fpasswd", "a%0D%0AX-Evil:%201", "%F0%9F%92%A3", "'--"]
_HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`${7*7}{{7*7}}%0d%0a\u202e=cmd|' /C calc'!A0"


@pytest.fixture(scope="module")
def job(platform):
    with platform.client() as client:
        return client.submit("echo", {"words": "edge"})["id"]


@pytest.mark.parametrize("value", _NUMBERS, ids=range(len(_NUMBERS)))
def test_numbers_beyond_all_bounds_are_named_mistakes(http, job, value):
    for place in _TAKES_NUMBERS:
        answer = http.get(place.replace("{job}", job).format(value))
        assert answer.status_code in {200, 404, 422}, (place, answer.text)
        assert answer.headers["Content-Type"] in {"application/json", "application/problem+json"}


@pytest.mark.parametrize("seconds", _WAITS, ids=range(len(_WAITS)))
def test_a_wait_that_is_no_time_is_refused(http, job, seconds):
    for place in (f"/api/v1/jobs/{job}", f"/api/v1/jobs/{job}/result"):
        problem_of(http.get(f"{place}?wait={seconds}"), 422)


@pytest.mark.parametrize("moment", _MOMENTS)
def test_moments_outside_the_calendar_are_named_mistakes(http, moment):
    sent = moment.replace("%2B", "+")
    problem_of(http.get(f"/api/v1/jobs?created_after={moment}"), 422)
    problem_of(http.get(f"/api/v1/jobs?created_before={moment}"), 422)
    problem_of(http.post("/api/v1/jobs", json={"kind": "echo", "params": {"words": "x"}, "run_at": sent}), 422)
    problem_of(http.post("/api/v1/orders", json={"customer_id": 1, "amount": 1, "created_at": sent}), 422)
    problem_of(http.post("/api/v1/jobs:cancel", json={"filter": {"created_after": sent}}), 422)


@pytest.mark.parametrize("text", _TEXTS)
def test_odd_text_in_addresses_never_reaches_a_query(http, text):
    places = [f"/api/v1/jobs?{name}={{}}" for name in ("kind", "owner", "schedule", "tag", "status", "cursor")]
    places += ["/api/v1/items?title={}", "/api/v1/abacus?cursor={}", "/api/v1/charges?company_id={}", "/api/v1/{}"]
    places += [f"/api/v1/{noun}/{{}}" for noun in ("schedules", "kinds", "abacus", "number-sets", "breakers", "files")]
    places += ["/api/v1/jobs/{}", "/openapi/static/{}", "/openapi/swagger/{}", "/console/static/{}"]
    for place in places:
        answer = http.get(place.format(text))
        assert answer.status_code in {200, 404, 422}, (place, answer.text)
        assert "X-Evil" not in answer.headers
        assert "root:" not in answer.text


_HEADERS = {
    "X-Request-ID": ["x" * 9000, "a b", "\xff", "<script>", ""],
    "traceparent": [
        "garbage",
        f"00-{'0' * 32}-{'0' * 16}-00",
        f"ff-{'a' * 32}-{'b' * 16}-01",
        "\xff",
        "00-" + "A" * 60,
    ],
    "Prefer": ["wait=-1", "wait=1e9", "wait=", "wait=\xb2", "respond-async; wait=x"],
    "Idempotency-Key": ["", "x" * 201, "a\tb", "\xff\xfe"],
    "If-None-Match": ["*", '"', "\xff", "W/" + '"x"' * 500],
    "Last-Event-ID": ["-1", "9" * 30, "\xb2", "x"],
    "Authorization": ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer \xff", "Bearer " + "x" * 9000],
    "Origin": ["http://[::1", "http://[", "null", "https://127.0.0.1\\@evil", "\xe9", "x" * 5000],
    "Cookie": ["reckoner_session=x", "=", ";" * 100, "reckoner_session=\xff"],
    "Range": ["bytes=0-", "bytes=-1", "bytes=9-1,2-0"],
    "Forwarded": ["for=evil;host=evil;proto=https"],
}


@pytest.mark.parametrize("name", _HEADERS)
def test_garbage_in_headers_is_ignored_or_refused(http, job, name):
    for value in _HEADERS[name]:
        sent = {name: value.encode("latin-1")}
        for answer in (
            http.get("/api/v1/jobs?limit=1", headers=sent),
            http.get(f"/api/v1/jobs/{job}", headers=sent),
            http.post("/api/v1/items", json={"title": "x"}, headers=sent),
            http.post("/abacus/number", json={"number": 0}, headers=sent),
        ):
            assert answer.status_code in {200, 201, 202, 304, 401, 403, 422}, (name, value, answer.text)
            assert answer.headers["X-Request-ID"].isascii()
            assert "<" not in answer.headers["X-Request-ID"]


def test_markup_in_every_field_stays_data(http):
    """The API never answers text/html, and browsers are told not to guess."""
    item = http.post("/api/v1/items", json={"title": _HOSTILE, "description": _HOSTILE})
    made = http.submit("echo", {"words": _HOSTILE}, tags=[_HOSTILE[:100]], unique={"key": _HOSTILE})
    ended = http.ended(made["id"])
    assert ended["result"]["words"] == ended["params"]["words"] == _HOSTILE
    assert item.json()["title"] == _HOSTILE
    for answer in (
        item,
        http.get("/api/v1/items"),
        http.get(f"/api/v1/jobs/{made['id']}"),
        http.get(f"/api/v1/jobs/{made['id']}/events"),
        http.get("/api/v1/jobs", params={"tag": _HOSTILE[:100]}),
        http.get(f"/api/v1/kinds/{_HOSTILE}"),
        http.get(f"/{_HOSTILE}"),
        http.post("/two_sum", json={"nums": [_HOSTILE, 1], "target": 1}),
        http.post("/two_sum", json={"filepath": _HOSTILE, "target": 1}),
        http.get("/api/v1/jobs", headers={"Host": "<script>"}),
        http.post("/api/v1/jobs", json={}, headers={"Origin": "http://<script>"}),
    ):
        assert answer.headers["Content-Type"] in {"application/json", "application/problem+json"}
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["../secret.xlsx", "/etc/passwd", "..\\..\\x", "data/../../x", "file:///etc/passwd", "a\x7f/.."]
)
def test_a_path_that_leads_out_of_the_data_root_is_refused(http, platform, path):
    answer = http.post("/two_sum", json={"filepath": path, "target": 1})
    assert answer.status_code == 403, answer.text
    job = http.post("/api/v1/jobs", json={"kind": "two_sum", "params": {"filepath": path, "column": "A", "target": 1}})
    assert job.status_code == 403
    assert str(platform.home) not in answer.text


def test_a_link_that_leads_out_of_the_data_root_is_refused(http, platform):
    link = platform.home / "data" / "link.csv"
    link.unlink(missing_ok=True)
    link.symlink_to("/etc/passwd")
    assert http.post("/two_sum", json={"filepath": "link.csv", "target": 1}).status_code == 403


@pytest.mark.parametrize("method", ["TRACE", "PATCH", "PROPFIND", "FOO"])
def test_methods_nobody_serves_are_405_or_404_in_json(http, method):
    for path, status in (("/api/v1/jobs", 405), ("/livez", 405), ("/nope", 404)):
        problem_of(http.request(method, path), status)
