"""The client of an outside API comes back in time, with an answer or a reason, come what may."""

import threading
import time
import tracemalloc

import pytest

from core.http_client import (
    ExternalAnswerError,
    ExternalBodyError,
    ExternalConnectionError,
    HttpClient,
    Limits,
    PrivateAddressError,
)
from core.http_client.connections import is_public
from core.http_client.limits import retry_after_seconds
from tests.sync import outside
from tests.sync.outside import OutsideApi

# The same rules with a shorter breath, so that a test takes milliseconds.
QUICK = Limits(connect=0.5, read=0.5, total=0.5, first_wait=0.01, jitter=0.0)


@pytest.fixture
def api():
    with OutsideApi() as running:
        yield running


@pytest.fixture
def client(api):
    client = HttpClient(api.url, limits=QUICK)
    yield client
    client.close()


def test_a_good_answer_is_its_json(api, client):
    assert client.get("/posts/7").json == outside.post(7)
    assert api.requests == 1


@pytest.mark.parametrize(
    "trouble",
    [
        outside.status(500),
        outside.status(503),
        outside.status(429),
        outside.reset,
        outside.hang,
        outside.html,
        outside.half_json,
        outside.cut_short,
        outside.drip_headers,
        outside.drip_body,
    ],
)
def test_what_may_pass_is_tried_again(api, client, trouble):
    api.next(trouble, trouble, trouble)
    assert client.get("/posts/7").json["id"] == 7
    assert api.requests == 4


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (outside.status(500), ExternalAnswerError),
        (outside.reset, ExternalConnectionError),
        (outside.half_json, ExternalBodyError),
    ],
)
def test_after_three_retries_the_reason_is_told(api, client, trouble, error):
    api.always = trouble
    with pytest.raises(error):
        client.get("/posts/7")
    assert api.requests == 4


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 422])
def test_other_refusals_fail_at_once(api, client, code):
    api.always = outside.status(code)
    with pytest.raises(ExternalAnswerError) as failure:
        client.get("/posts/7")
    assert failure.value.status == code
    assert api.requests == 1


@pytest.mark.parametrize("trouble", [outside.hang, outside.drip_headers, outside.drip_body])
def test_total_time_bounds_an_attempt_however_it_hangs(api, trouble):
    # A read time-out longer than the drip never fires; only the total can end these.
    client = HttpClient(api.url, limits=Limits(read=60, total=0.3, retries=0))
    api.always = trouble
    with pytest.raises(ExternalConnectionError, match=r"within 0\.3 s"):
        client.get("/posts")
    client.close()


def test_a_budget_bounds_all_attempts_together(api):
    client = HttpClient(api.url, limits=Limits(total=0.2, first_wait=0.01, jitter=0, retries=1000))
    api.always = outside.hang
    with pytest.raises(ExternalConnectionError):
        client.get("/posts", budget=0.5)
    assert api.requests <= 3
    client.close()


def told(url):
    """The message of a request that finds nobody."""
    client = HttpClient(url, limits=QUICK)
    with pytest.raises(ExternalConnectionError) as failure:
        client.get("/posts/7")
    client.close()
    return failure.value.message


def test_nobody_listening_is_told_in_words_with_the_host_and_a_way_out():
    with OutsideApi() as gone:
        url = gone.url
    message = told(url.replace("http://", "http://clerk:secret@"))
    assert message.startswith(f"{url.removeprefix('http://')} refused the connection")
    assert "try again later" in message
    for unspeakable in ("Errno", "secret", "/posts"):
        assert unspeakable not in message


def test_other_ways_not_to_be_reached_are_told_in_words(api):
    api.always = outside.reset
    host = api.url.removeprefix("http://")
    assert told(api.url).startswith(f"{host} broke the connection off")
    assert told("http://no-such-host.invalid").startswith("no-such-host.invalid cannot be found")
    api.always = outside.hang
    client = HttpClient(api.url, limits=Limits(read=0.2, total=5, retries=0))
    with pytest.raises(ExternalConnectionError, match="did not answer in time; try again later"):
        client.get("/posts/7")
    client.close()


def test_backoff_is_1_2_4_seconds_with_jitter_and_longer_if_asked():
    limits = Limits()
    for retry, base in ((1, 1), (2, 2), (3, 4)):
        waits = {limits.wait_before(retry, None) for _ in range(50)}
        assert min(waits) >= base
        assert max(waits) <= base + limits.jitter
        assert len(waits) > 1
    busy = ExternalAnswerError("busy", status=429, retry_after=9)
    assert limits.wait_before(1, busy) == 9


def test_retry_after_is_honoured(api, client):
    api.next(outside.status(429, Retry_After="1"))
    client.get("/posts/1")
    first, second = api.seen
    assert second.at - first.at >= 1


def test_a_server_that_asks_for_an_hour_is_not_waited_for(api, client):
    api.always = outside.status(503, Retry_After="3600")
    with pytest.raises(ExternalAnswerError) as failure:
        client.get("/posts")
    assert failure.value.retry_after == 3600
    assert api.requests == 1


def test_retry_after_reads_seconds_and_dates_and_ignores_nonsense():
    from datetime import UTC, datetime

    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert retry_after_seconds("120", noon) == 120
    assert retry_after_seconds("Sat, 21 Nov 2026 12:00:30 GMT", noon) == 30
    assert retry_after_seconds("Sat, 21 Nov 2026 11:00:00 GMT", noon) == 0
    for nonsense in (None, "", "soon", "-5", "²"):
        assert retry_after_seconds(nonsense, noon) is None


@pytest.mark.parametrize("trouble", [outside.endless, outside.announces_1_gb, outside.bomb])
def test_a_body_of_a_gigabyte_is_refused_without_being_held(api, trouble):
    client = HttpClient(api.url, limits=Limits(body_bytes=1024 * 1024))
    api.always = trouble
    tracemalloc.start()
    try:
        with pytest.raises(ExternalBodyError, match="1048576"):
            client.get("/posts")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        client.close()
    # The stand-in runs in this process too: its own 1 MB pieces and compressed body count here.
    assert peak < 24 * 1024 * 1024
    assert api.requests == 1


def test_a_redirect_on_the_configured_host_is_followed(api, client):
    api.next(outside.redirect("/posts/3"))
    assert client.get("/old").json["id"] == 3


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "169.254.169.254", "10.0.0.1"])
def test_a_redirect_to_an_inner_address_is_refused_unsent(api, client, host):
    with OutsideApi() as inner:
        port = inner.url.rpartition(":")[2]
        api.next(outside.redirect(f"http://{host}:{port}/posts/1"))
        with pytest.raises(PrivateAddressError):
            client.get("/posts/1")
        assert inner.requests == 0
    assert api.requests == 1


def test_a_redirect_to_an_inner_address_is_followed_where_configured(api):
    with OutsideApi() as inner:
        client = HttpClient(api.url, limits=Limits(private_redirects=True))
        api.next(outside.redirect(f"{inner.url}/posts/9"))
        assert client.get("/posts/1").json["id"] == 9
        client.close()


def test_a_redirect_to_something_else_than_http_is_refused(api, client):
    api.next(outside.redirect("file:///etc/passwd"))
    with pytest.raises(PrivateAddressError, match="not HTTP"):
        client.get("/posts/1")


def test_redirects_in_a_circle_end(api, client):
    api.always = outside.redirect("/posts/1")
    with pytest.raises(ExternalAnswerError, match="more than 5 redirects"):
        client.get("/posts/1")
    assert api.requests == 6


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
    ],
)
def test_inner_addresses_are_known_in_every_spelling(address, public):
    assert is_public(address) is public


def test_close_ends_what_hangs_in_another_thread(api):
    client = HttpClient(api.url, limits=Limits())
    api.always = outside.hang
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            client.get("/posts")
        except ExternalConnectionError as error:
            failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not api.requests:
        time.sleep(0.005)
    client.close()
    asking.join(5)
    assert not asking.is_alive()
    assert len(failures) == 1


def test_messages_carry_no_password(api):
    with_password = api.url.replace("http://", "http://someone:secret@")
    client = HttpClient(with_password, limits=QUICK)
    api.always = outside.status(404)
    with pytest.raises(ExternalAnswerError) as failure:
        client.get("/posts", params={"token": "secret"})
    assert "secret" not in str(failure.value)
    client.close()
