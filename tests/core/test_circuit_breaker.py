"""One breaker for all: it opens for everybody, lets a single probe through, and goes on without Redis."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from core.circuit_breaker import BreakerOpenError, SharedBreaker
from embedded.valkey import Valkey


class DownError(Exception):
    pass


class MistakeError(Exception):
    pass


def fails() -> None:
    raise DownError


def breaker(redis, **settings) -> SharedBreaker:
    defaults = {"failures": 3, "open_seconds": 30.0, "counts": lambda error: isinstance(error, DownError)}
    return SharedBreaker("outside", redis, **(defaults | settings))


@pytest.fixture
def two(redis, redis_url):
    """The same breaker as two processes see it: two objects, two connections."""
    other = Redis.from_url(redis_url)
    yield breaker(redis), breaker(other)
    other.close()


def trip(one: SharedBreaker, times: int = 3) -> None:
    for _ in range(times):
        with pytest.raises(DownError):
            one.call(fails)


def test_failures_are_counted_together_and_open_it_for_all(two):
    here, there = two
    trip(here, 2)
    trip(there, 1)
    for one in two:
        with pytest.raises(BreakerOpenError) as refused:
            one.call(lambda: pytest.fail("nothing may be sent"))
        assert 25 <= refused.value.retry_after <= 30
        assert one.view().state == "open"


def test_a_success_starts_the_count_anew(two):
    here, there = two
    trip(here, 2)
    assert there.call(lambda: 42) == 42
    trip(here, 2)
    assert here.view().state == "closed"


def test_mistakes_of_ours_do_not_count(two):
    def mistaken() -> None:
        raise MistakeError

    for _ in range(5):
        with pytest.raises(MistakeError):
            two[0].call(mistaken)
    assert two[0].view().state == "closed"
    assert two[0].view().failures == 0


def test_half_open_lets_one_probe_through_and_its_success_closes(redis, redis_url):
    here = breaker(redis, open_seconds=0.05)
    others = [breaker(Redis.from_url(redis_url), open_seconds=0.05) for _ in range(8)]
    trip(here)
    time.sleep(0.1)
    assert here.view().state == "half_open"
    inside, leave = threading.Event(), threading.Event()

    def probe() -> str:
        inside.set()
        assert leave.wait(10)
        return "well again"

    with ThreadPoolExecutor(1) as pool:
        probing = pool.submit(here.call, probe)
        assert inside.wait(10)
        for other in others:
            with pytest.raises(BreakerOpenError):
                other.call(lambda: pytest.fail("a second probe"))
        leave.set()
        assert probing.result(10) == "well again"
    assert {other.call(lambda: 1) for other in others} == {1}
    assert others[0].view().state == "closed"


def test_a_failed_probe_opens_it_again_for_the_whole_time(two, redis):
    eager, patient = breaker(redis, open_seconds=0.05), two[1]
    trip(eager)
    time.sleep(0.1)
    trip(eager, 1)
    with pytest.raises(BreakerOpenError) as refused:
        patient.call(lambda: pytest.fail("nothing may be sent"))
    assert refused.value.retry_after >= 29


def test_a_probe_that_died_does_not_keep_it_shut(redis):
    one = breaker(redis, open_seconds=0.05, probe_seconds=0.1)
    trip(one)
    time.sleep(0.06)
    assert one._state.take_probe(0.1) is not None  # and its process dies here
    with pytest.raises(BreakerOpenError):
        one.call(lambda: 1)
    time.sleep(0.15)
    assert one.call(lambda: 1) == 1


def test_reset_closes_it_for_all(two):
    here, there = two
    trip(here)
    there.reset()
    assert here.call(lambda: 1) == 1
    assert here.view().failures == 0


def test_processes_share_one_probe(redis, redis_url):
    """Real processes that all come at the same moment: exactly one gets through."""
    one = breaker(redis, open_seconds=0.05)
    trip(one)
    program = (
        "import sys, time\n"
        "from redis import Redis\n"
        "from core.circuit_breaker import SharedBreaker, BreakerOpenError\n"
        "redis = Redis.from_url(sys.argv[1])\n"
        "one = SharedBreaker('outside', redis, counts=lambda e: True, failures=3, open_seconds=0.05)\n"
        "def probe():\n"
        "    redis.incr('probes')\n"
        "    while redis.get('go') != b'end': time.sleep(0.01)\n"
        "redis.incr('ready')\n"
        "while redis.get('go') is None: time.sleep(0.001)\n"
        "try: one.call(probe)\n"
        "except BreakerOpenError: redis.incr('refused')\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", program, redis_url]) for _ in range(4)]
    deadline = time.monotonic() + 60
    while int(redis.get("ready") or 0) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    redis.set("go", "start")
    while int(redis.get("refused") or 0) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    redis.set("go", "end")
    assert [process.wait(30) for process in started] == [0, 0, 0, 0]
    assert (int(redis.get("probes")), int(redis.get("refused"))) == (1, 3)


def test_calls_of_one_process_do_not_wait_for_each_other(redis):
    """The library alone holds a lock while it calls; then the second of these would never start."""
    one = breaker(redis)
    together = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(one.call, lambda: together.wait(10)) for _ in range(2)]
        assert sorted(call.result(20) for call in calls) == [0, 1]


def test_without_redis_it_goes_on_with_what_it_knows():
    with Valkey.throwaway() as server:
        redis = Redis.from_url(server.url, socket_timeout=0.5, retry=None)
        one = breaker(redis, open_seconds=0.2)
        trip(one, 2)
        server.stop()
        assert (one.view().failures, one.view().is_shared) == (2, False)
        trip(one, 1)
        with pytest.raises(BreakerOpenError):
            one.call(lambda: pytest.fail("nothing may be sent"))
        time.sleep(0.25)
        assert one.call(lambda: 1) == 1
        assert one.view().state == "closed"
        assert one.view().is_shared is False
        redis.close()


def test_an_open_breaker_stays_open_when_redis_goes():
    with Valkey.throwaway() as server:
        redis = Redis.from_url(server.url, socket_timeout=0.5, retry=None)
        one = breaker(redis)
        trip(one)
        server.stop()
        with pytest.raises(BreakerOpenError):
            one.call(lambda: pytest.fail("nothing may be sent"))
        redis.close()


def test_no_redis_at_all_is_a_breaker_of_ones_own():
    one = breaker(None)
    trip(one)
    with pytest.raises(BreakerOpenError):
        one.call(lambda: 1)
    one.reset()
    assert one.call(lambda: 1) == 1
