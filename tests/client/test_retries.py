"""Trying again is safe: nothing is lost and nothing is done twice, however the answers come."""

import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from embedded.ports import free_port
from reckoner import Event, Options, Reckoner
from reckoner.problems import BusyError, StateError, UnreachableError
from tests.client.lossy import LossyProxy


@pytest.fixture
def lossy(platform):
    """A client behind a proxy that cuts the answers of chosen connections."""
    made = []

    def make(**cut):
        address = urlsplit(platform.url)
        proxy = LossyProxy((address.hostname, address.port), {int(name[1:]): most for name, most in cut.items()})
        client = Reckoner(proxy.url, patience=20)
        made.append((proxy, client))
        return client, proxy

    yield make
    for proxy, client in made:
        client.close()
        proxy.close()


@pytest.fixture
def scripted():
    """A server that gives scripted answers, one after the other, and remembers what it was asked."""
    servers = []

    def make(*answers):
        asked = []
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append(dict(self.headers))
                status, headers, body = left.pop(0)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST  # noqa: N815  # the library calls it so

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        client = Reckoner(f"http://127.0.0.1:{server.server_port}", patience=10)
        servers.append((server, thread, client))
        return client, asked

    yield make
    for server, thread, client in servers:
        client.close()
        server.shutdown()
        thread.join()
        server.server_close()


def _problem(status, message, details="{}", **headers):
    body = f'{{"type": "/problems/x", "title": "X", "message": "{message}", "details": {details}}}'
    return status, headers, body.encode()


FINE = (200, {}, b'{"data": []}')


def test_a_submit_whose_answer_was_lost_makes_one_job(lossy, reckoner):
    client, proxy = lossy(c0=0)
    options = Options(tags=("answer-lost",), run_at=datetime.now(UTC) + timedelta(hours=1))
    job = client.submit("echo", options, words="once")
    assert proxy.connections == 2
    assert [found.id for found in reckoner.jobs(tag="answer-lost")] == [job.id]
    job.cancel()


def test_a_key_whose_answer_was_lost_is_not_made_again(lossy, reckoner):
    """Nobody would know the first one's secret, and it would let in whoever finds it."""
    client, proxy = lossy(c0=0)
    with pytest.raises(UnreachableError, match="connection broke"):
        client.create_key("lost", owner="ann")
    assert proxy.connections == 1
    made = reckoner.keys()
    assert sum(key.name == "lost" for key in made) == 1


def test_a_broken_stream_is_taken_up_where_it_broke(lossy, reckoner):
    job = reckoner.submit("probe", seconds=2)
    client, proxy = lossy(c0=900)
    events = [news.seq for news in client.follow(job.id) if isinstance(news, Event)]
    assert events == [1, 2, 3]
    assert proxy.connections > 1


# urllib3 says in its log what it made of the headers that are left; we say it in an error.
@pytest.mark.parametrize("place", [20, 150, 400], ids=["status line", "headers", "body"])
def test_reading_is_repeated_when_the_answer_is_cut(lossy, place):
    client, proxy = lossy(c0=place)
    assert client.kinds()
    assert proxy.connections == 2


def test_a_platform_that_says_later_is_asked_again_then(scripted):
    client, asked = scripted(_problem(503, "soon", **{"Retry-After": "1"}), FINE)
    assert client.kinds() == []
    assert asked[0]["X-Request-ID"] == asked[1]["X-Request-ID"]


def test_too_many_requests_are_slowed_down_even_without_a_key(scripted):
    made = (201, {}, b'{"id": "1", "key": "rk_", "name": "n", "owner": "o", "role": "viewer"}')
    client, asked = scripted(_problem(429, "slower", **{"Retry-After": "1"}), made)
    assert client.create_key("n", owner="o").id == "1"
    assert len(asked) == 2


def test_patience_ends_before_a_pause_that_is_too_long(scripted):
    client, asked = scripted(_problem(503, "away", **{"Retry-After": "3600"}))
    with pytest.raises(BusyError, match="away"):
        client.kinds()
    assert len(asked) == 1


def test_a_first_try_that_is_still_answered_is_waited_for(scripted):
    job = b'{"id": "1", "kind": "k", "status": "queued", "queue": "q", "priority": 5, "owner": "o", "tags": [],'
    job += b'"params": {}, "progress": null, "result": null, "error": null, "attempt": 0, "max_attempts": 3,'
    job += b'"created_at": "2026-11-21T08:00:00Z"}'
    client, asked = scripted(_problem(409, "still being answered", '{"in_flight": true}'), (202, {}, job))
    assert client.submit("k").id == "1"
    assert asked[0]["Idempotency-Key"] == asked[1]["Idempotency-Key"]


def test_any_other_conflict_is_told_at_once(scripted):
    client, asked = scripted(_problem(409, "another one is there"))
    with pytest.raises(StateError, match="another one"):
        client.submit("k")
    assert len(asked) == 1


def test_a_redirect_is_not_followed_with_the_key(scripted):
    client, asked = scripted((302, {"Location": "http://elsewhere.invalid/"}, b""))
    with pytest.raises(Exception, match=r"redirected to http://elsewhere\.invalid/"):
        client.kinds()
    assert len(asked) == 1


def test_an_answer_that_is_no_problem_document_is_still_told(scripted):
    client, _ = scripted((404, {}, b"<html>no such page</html>"))
    with pytest.raises(Exception, match="no such page"):
        client.kinds()


def test_an_address_where_nothing_listens_is_said_soon():
    url = f"http://127.0.0.1:{free_port()}"
    with Reckoner(url, patience=60, first_patience=0.2) as client, pytest.raises(UnreachableError, match=url):
        client.kinds()
