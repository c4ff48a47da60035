"""Bodies that are not what they seem: depth, length, doubles, numbers beyond all bounds, text nobody can keep."""

import gzip
import json

import pytest

from core.errors import InvalidInputError
from core.exact_json import dumps, loads
from tests.api.test_jobs import problem_of

_JSON = {"Content-Type": "application/json"}
_ROUTES = ("/api/v1/jobs", "/api/v1/items", "/api/v1/jobs:cancel", "/two_sum", "/abacus/number", "/api/v1/estimates")

_NOT_JSON = {
    "nothing but a bracket": b"{",
    "single quotes": b"{'a': 1}",
    "a leading zero": b'{"number": 01}',
    "something after the end": b'{"number": 1} x',
    "NaN": b'{"number": NaN}',
    "minus infinity": b'{"number": -Infinity}',
    "a number that no double holds": b'{"number": 1e400}',
    "more digits than int() takes": b'{"number": ' + b"9" * 5000 + b"}",
    "the same name twice": b'{"number": 1, "number": 2}',
    "the same name twice, deep inside": b'{"params": {"a": [{"b": 1, "b": 1}]}}',
    "U+0000 in a value": b'{"title": "a\\u0000b"}',
    "U+0000 in a name": b'{"a\\u0000b": 1}',
    "half a surrogate pair": b'{"title": "\\ud800"}',
    "the other half": b'{"title": "\\uDC00x"}',
    "a surrogate as bytes": b'{"title": "\xed\xa0\x80"}',
    "bytes that are not UTF-8": b'{"title": "\xff"}',
    "UTF-16": '{"number": 1}'.encode("utf-16"),
    "a raw NUL": b'{"title": "\x00"}',
    "1,000 levels of lists": b'{"params": ' + b"[" * 1000 + b"]" * 1000 + b"}",
    "120 levels of objects": b'{"a":' * 120 + b"1" + b"}" * 120,
    "120 levels whose strings hold brackets too": b'["]",' * 120 + b'"x"' + b',"["]' * 120,
    "120 levels whose strings hold escaped quotes": rb'["\\\"]",' * 120 + b'"x"' + rb',"[\"\\"]' * 120,
    "a million open brackets": b"[" * 1_000_000,
}


@pytest.mark.parametrize("body", _NOT_JSON.values(), ids=_NOT_JSON)
def test_a_body_that_cannot_be_meant_is_refused_on_every_route(http, body):
    for route in _ROUTES:
        answer = http.post(route, data=body, headers=_JSON)
        assert problem_of(answer, 422)["message"], route


@pytest.mark.parametrize("text", [r"]\"[", r"{\\", "[[[[", r"\\\"}"])
def test_brackets_in_strings_are_no_levels(text):
    body = '{"words": [' + ", ".join([f'"{text}"', "{}"] * 150) + "]}"
    assert loads(body) == json.loads(body)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"1", b"true", b'"x"', b"{}", b'{"kind": {}, "nums": {}}'])
def test_json_of_the_wrong_shape_is_a_named_mistake(http, body):
    for route in _ROUTES:
        assert http.post(route, data=body, headers=_JSON).status_code in {400, 422}, route


def test_where_nothing_has_to_be_said_no_body_is_needed(http):
    job = http.submit("echo", {"words": "x"}, run_at="2030-01-01T00:00:00Z")
    assert http.post(f"/api/v1/jobs/{job['id']}/cancel").json()["status"] == "cancelled"
    assert http.post(f"/api/v1/jobs/{job['id']}/retry").status_code == 202


def test_a_compressed_body_is_refused_before_anybody_inflates_it(http):
    bomb = gzip.compress(b" " * 50_000_000)
    for route in (*_ROUTES, "/api/v1/files?name=a.csv"):
        answer = http.post(route, data=bomb, headers={**_JSON, "Content-Encoding": "gzip"})
        problem_of(answer, 415)


@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "application/x-www-form-urlencoded", "x" * 300])
def test_json_must_say_that_it_is_json(http, content_type):
    """What a form on another site can send is not read."""
    answer = http.post("/api/v1/jobs", data=b'{"kind": "echo", "params": {}}', headers={"Content-Type": content_type})
    problem_of(answer, 415)


def test_a_body_over_the_limit_is_413_and_the_next_request_is_answered(http):
    problem_of(http.post("/api/v1/items", data=b'{"title": "' + b"x" * 9_000_000 + b'"}', headers=_JSON), 413)
    assert http.get("/livez").status_code == 200


def test_a_body_of_some_megabytes_is_read_whole(http):
    """Bodies over one megabyte come in piece by piece; that once ended the process."""
    body = b'{"nums": [' + b"1," * 2_000_000 + b'5], "target": 6}'
    answer = http.post("/two_sum", data=body, headers=_JSON)
    assert answer.json() == {"indices": [1_999_999, 2_000_000], "numbers": [1, 5]}
    in_pieces = (body[start : start + 100_000] for start in range(0, len(body), 100_000))
    assert http.post("/two_sum", data=in_pieces, headers=_JSON).json() == answer.json()


def test_legitimate_text_comes_back_unharmed(http):
    title = '\U0001f4a3 "quoted" \\u0000 é \u202e'
    assert http.post("/api/v1/items", json={"title": title}).json()["title"] == title


def test_depth_is_bounded_at_a_hundred_levels():
    assert loads("[" * 100 + "]" * 100)
    with pytest.raises(InvalidInputError, match="100 levels"):
        loads("[" * 102 + "]" * 102)


def test_wide_integers_do_not_cost_their_neighbours_a_digit():
    from decimal import Decimal

    document = {"sum": 10**30, "amount": Decimal("0.1000000000000000000001"), "rows": [-(2**70), 1.5]}
    written = b'{"sum":1%s,"amount":0.1000000000000000000001,"rows":[-1180591620717411303424,1.5]}' % (b"0" * 30)
    assert dumps(document) == written
