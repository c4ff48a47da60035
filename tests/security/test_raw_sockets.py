"""Bytes that no proper client sends, on raw connections to the real server: it answers others all the while."""

import re

import pytest

_HOST = b"Host: localhost\r\n"
_LAST = b"Host: localhost\r\nConnection: close\r\n"
_JSON = b"Content-Type: application/json\r\n"
_HIDDEN = b"GET /hidden-request HTTP/1.1\r\nHost: localhost\r\n\r\n"


def statuses(answer):
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})", answer)]


@pytest.fixture(autouse=True)
def others_are_answered(http, platform):
    """Whatever a test sends, the next client is served, by processes that did not have to be started anew."""
    yield
    assert http.get("/livez").json() == {"status": "ok"}
    assert "Unexpected exit" not in platform.log("api")
    assert "request_raised" not in platform.log("api")


_NOT_HTTP = {
    "noise": bytes(range(256)) * 4 + b"\r\n\r\n",
    "nothing but line ends": b"\r\n" * 50 + b"x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/9": b"GET / HTTP/9.9\r\n" + _LAST + b"\r\n",
    "a space in the address": b"GET /a b HTTP/1.1\r\n" + _LAST + b"\r\n",
    "raw bytes in the address": b"GET /\xff\xfe HTTP/1.1\r\n" + _LAST + b"\r\n",
    "a header without a name": b"GET /livez HTTP/1.1\r\n: x\r\n" + _LAST + b"\r\n",
    "a space before the colon": b"GET /livez HTTP/1.1\r\nTransfer-Encoding : chunked\r\n" + _LAST + b"\r\n",
    "a folded header": b"GET /livez HTTP/1.1\r\nX-A: b\r\n c\r\n" + _LAST + b"\r\n",
    "NUL in a header": b"GET /livez HTTP/1.1\r\nX-A: \x00\r\n" + _LAST + b"\r\n",
    "a bare carriage return": b"GET /livez HTTP/1.1\r\nX-A: b\rX-C: d\r\n" + _LAST + b"\r\n",
    "a header of 200 KB": b"GET /livez HTTP/1.1\r\nX-A: " + b"a" * 200_000 + b"\r\n" + _LAST + b"\r\n",
    "10,000 headers": b"GET /livez HTTP/1.1\r\n" + b"X-A: b\r\n" * 10_000 + _LAST + b"\r\n",
    "an address of 100 KB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + _LAST + b"\r\n",
    "a length that is none": b"POST /two_sum HTTP/1.1\r\nContent-Length: five\r\n" + _LAST + b"\r\nhello",
    "a signed length": b"POST /two_sum HTTP/1.1\r\nContent-Length: +5\r\n" + _LAST + b"\r\nhello",
    "a length beyond 64 bits": b"POST /two_sum HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n" + _LAST + b"\r\n",
    "two lengths": b"POST /two_sum HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n" + _LAST + b"\r\nhello!",
    "a chunk that is too long to count": b"POST /two_sum HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
    + _JSON
    + _LAST
    + b"\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "a chunk size that is none": b"POST /two_sum HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
    + _JSON
    + _LAST
    + b"\r\nzz\r\n{}\r\n0\r\n\r\n",
    "an encoding nobody has": b"POST /two_sum HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n" + _LAST + b"\r\n{}",
}


@pytest.mark.parametrize("sent", _NOT_HTTP.values(), ids=_NOT_HTTP)
def test_what_is_not_http_gets_an_error_or_silence_and_no_success(line, sent):
    answer = line(sent).all()
    assert all(400 <= status < 500 or status == 505 for status in statuses(answer)), answer[:300]


_SMUGGLED = {
    "length and chunks": b"POST /two_sum HTTP/1.1\r\n"
    + _HOST
    + _JSON
    # a server that believes the length would take the rest for the next request
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % (len(_HIDDEN))
    + _HIDDEN
    + b"\r\n0\r\n\r\n",
    "chunks and length": b"POST /two_sum HTTP/1.1\r\n"
    + _HOST
    + _JSON
    + b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n%x\r\n" % (len(_HIDDEN), len(_HIDDEN))
    + _HIDDEN
    + b"\r\n0\r\n\r\n",
    "a length with an underscore": b"POST /two_sum HTTP/1.1\r\n"
    + _HOST
    + _JSON
    + b"Content_Length: 0\r\nContent-Length: %d\r\n\r\n" % len(_HIDDEN)
    + _HIDDEN,
    "a body nobody asked for": b"GET /livez HTTP/1.1\r\n"
    + _HOST
    + b"Content-Length: %d\r\n\r\n" % len(_HIDDEN)
    + _HIDDEN,
}


@pytest.mark.parametrize("sent", _SMUGGLED.values(), ids=_SMUGGLED)
def test_a_request_hidden_in_a_body_is_never_answered(line, sent):
    """Either the framing is refused or the hidden request stays a body: its path is in no answer."""
    answer = line(sent + b"GET /livez HTTP/1.1\r\n" + _LAST + b"\r\n").all()
    assert b"/hidden-request" not in answer
    assert len(statuses(answer)) <= 2


def test_pipelined_requests_are_answered_in_order(line):
    body = b'{"nums": [2, 7], "target": 9}'
    post = b"POST /two_sum HTTP/1.1\r\n" + _HOST + _JSON + b"Content-Length: %d\r\n\r\n" % len(body) + body
    answer = line(
        (b"GET /nope HTTP/1.1\r\n" + _HOST + b"\r\n" + post) * 20 + b"GET /livez HTTP/1.1\r\n" + _LAST + b"\r\n"
    )
    assert statuses(answer.all()) == [404, 200] * 20 + [200]


def test_a_refused_body_does_not_become_the_next_request(line):
    """401, 403, 404 and 415 are said without reading the body; what was not read must not be taken for a request."""
    body = b"x" * 70_000 + b"\r\n" + _HIDDEN
    head = b"POST /nope HTTP/1.1\r\n" + _HOST + b"Content-Length: %d\r\n\r\n" % len(body)
    answer = line(head + body + b"GET /livez HTTP/1.1\r\n" + _LAST + b"\r\n").all()
    assert b"/hidden-request" not in answer
    assert statuses(answer)[0] == 404


def test_clients_that_stall_hold_nothing_that_others_need(line, http):
    """Half a head, half a small body, half a large one: thirty of each, more than there are threads."""
    for _ in range(30):
        line(b"GET /livez HTTP/1.1\r\nX-A: ")
        line(b"POST /two_sum HTTP/1.1\r\n" + _HOST + _JSON + b"Content-Length: 1000\r\n\r\n{")
        line(b"POST /two_sum HTTP/1.1\r\n" + _HOST + _JSON + b"Content-Length: 5000000\r\n\r\n{")
        line(b"POST /api/v1/files?name=a.csv HTTP/1.1\r\n" + _HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel")
    for _ in range(20):
        assert http.post("/two_sum", json={"nums": [1, 2], "target": 3}).status_code == 200
    assert http.get("/health").status_code == 200


def test_a_client_that_leaves_in_the_middle_of_a_body_is_no_error_of_ours(line, http):
    for length in (1_000, 5_000_000):
        line(b"POST /two_sum HTTP/1.1\r\n" + _HOST + _JSON + b"Content-Length: %d\r\n\r\n{" % length).close()
    assert http.get("/livez").status_code == 200


def test_a_path_is_decoded_once(line):
    """`%252e` names a percent sign, not a dot."""
    assert statuses(line(b"GET /api/v1/kinds/%2565cho HTTP/1.1\r\n" + _LAST + b"\r\n").all()) == [404]
    assert statuses(line(b"GET /api/v1/kinds/%65cho HTTP/1.1\r\n" + _LAST + b"\r\n").all()) == [200]


@pytest.mark.parametrize(
    "host", [b"evil.example", b"127.0.0.1.evil.example", b"localhost@evil", b"localhost\r\nHost: evil"]
)
def test_a_host_that_is_not_ours_is_refused_however_it_is_written(line, host):
    """DNS rebinding: a page of another site must not reach a server that needs no key."""
    for path in (b"/api/v1/jobs", b"http://localhost/api/v1/jobs"):
        answer = line(b"GET " + path + b" HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n").all()
        assert statuses(answer) in ([403], [400]), answer[:200]


def test_what_a_client_sends_in_headers_cannot_make_headers_of_ours(line, http):
    for name in (b"X-Request-ID", b"traceparent", b"Idempotency-Key", b"Prefer", b"Origin"):
        sent = b"GET /livez HTTP/1.1\r\n" + name + b": a%0d%0aX-Evil: 1\r\n" + _LAST + b"\r\n"
        assert b"\r\nx-evil" not in line(sent).all().lower()
    made = http.post("/api/v1/files?name=a%0d%0aX-Evil:%201.csv", data=b"Numbers\n1\n").json()
    shown = http.get(f"/api/v1/files/{made['id']}/content")
    assert "X-Evil" not in shown.headers
    assert shown.headers["Content-Disposition"].startswith("attachment;")
