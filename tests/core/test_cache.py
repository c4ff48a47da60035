"""A cached answer is never older than the last acknowledged write, whoever fails in between."""

from __future__ import annotations

import threading
import time

import pytest
from redis import Redis

from core.cache import CacheState, FreshCache, keys_of
from embedded.valkey import Valkey
from tasks.runtime import connect_redis


class Data:
    """Stands for the database: a value and its generation, changed together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.value = self.number = 0
        self.asked = 0

    def newest(self) -> int:
        with self._lock:
            self.asked += 1
            return self.number

    def read(self) -> bytes:
        with self._lock:
            return b"%d" % self.value

    def write(self, value: int) -> None:
        with self._lock:
            self.value, self.number = value, self.number + 1


@pytest.fixture
def data() -> Data:
    return Data()


@pytest.fixture
def cache(redis, data):
    return FreshCache(redis, "test", newest=data.newest)


def answer(cache: FreshCache, data: Data) -> tuple[CacheState, int]:
    found = cache.look_up("all")
    if found.state is CacheState.HIT:
        return found.state, int(found.body)
    body = data.read()
    cache.keep(found, body)
    return found.state, int(body)


def test_the_second_look_is_a_hit_and_asks_nobody(cache, data):
    assert answer(cache, data) == (CacheState.MISS, 0)
    asked = data.asked
    assert answer(cache, data) == (CacheState.HIT, 0)
    assert data.asked == asked


def test_a_write_is_seen_by_the_next_look(cache, data):
    answer(cache, data)
    data.write(7)
    cache.changed()
    assert answer(cache, data) == (CacheState.MISS, 7)


def test_a_hit_stays_one_after_its_voucher_is_gone(cache, data):
    answer(cache, data)
    time.sleep(0.3)
    asked = data.asked
    assert answer(cache, data) == (CacheState.HIT, 0)
    assert data.asked == asked + 1


def test_a_reader_that_dawdles_between_asking_and_vouching_vouches_for_nothing(cache, data, redis):
    """It read the old number, then a write was acknowledged, then it comes back with what it knew."""

    def newest_then_write() -> int:
        number = data.newest()
        data.write(7)
        FreshCache(redis, "test", newest=data.newest).changed()
        return number

    answer(cache, data)
    redis.delete("reckoner:cache:test:voucher")
    dawdler = FreshCache(redis, "test", newest=newest_then_write)
    dawdler.look_up("all")
    assert answer(cache, data) == (CacheState.MISS, 7)


def test_a_dawdling_voucher_is_dead_on_arrival(cache, data, redis):
    """A writer without Redis waits a quarter of a second; a voucher begun before must be over by then."""

    def slowly() -> int:
        number = data.newest()
        time.sleep(0.3)
        data.write(7)  # by a writer that cannot reach Redis
        return number

    answer(cache, data)
    redis.delete("reckoner:cache:test:voucher")
    FreshCache(redis, "test", newest=slowly).look_up("all")
    assert redis.get("reckoner:cache:test:voucher") is None
    assert answer(cache, data) == (CacheState.MISS, 7)


def test_an_answer_read_before_a_write_and_kept_after_it_is_never_served(cache, data):
    found = cache.look_up("all")
    body = data.read()
    data.write(7)
    cache.changed()
    cache.keep(found, body)
    assert answer(cache, data) == (CacheState.MISS, 7)


def test_while_somebody_is_about_to_commit_every_look_asks(cache, data):
    answer(cache, data)
    cache.about_to_change(30)
    asked = data.asked
    assert answer(cache, data) == (CacheState.HIT, 0)
    assert answer(cache, data) == (CacheState.HIT, 0)
    assert data.asked == asked + 2
    data.write(7)
    assert answer(cache, data) == (CacheState.MISS, 7)


def test_without_redis_it_stands_aside_and_a_write_waits_out_the_vouchers(data):
    with Valkey.throwaway() as server:
        client = connect_redis(server.url)
        cache = FreshCache(client, "test", newest=data.newest)
        answer(cache, data)
        server.stop()
        assert answer(cache, data) == (CacheState.BYPASS, 0)
        data.write(7)
        began = time.monotonic()
        cache.changed()
        assert time.monotonic() - began >= 0.25
        assert answer(cache, data) == (CacheState.BYPASS, 7)
        client.close()


def test_a_write_during_an_outage_is_seen_when_redis_is_back_with_its_old_entries(data):
    with Valkey.throwaway() as server:
        client = connect_redis(server.url)
        cache = FreshCache(client, "test", newest=data.newest)
        answer(cache, data)
        server.stop()
        data.write(7)
        cache.changed()
        server.start()
        assert client.keys("reckoner:cache:test:at:*") != []
        assert FreshCache(client, "test", newest=data.newest).look_up("all").state is CacheState.MISS
        client.close()


def test_no_reader_is_ever_behind_an_acknowledged_write(redis, redis_url, data):
    """The race itself: writers and readers on their own connections, each look compared with the last promise."""
    acknowledged = 0
    behind: list[tuple[int, int]] = []
    hits = 0
    over = threading.Event()

    def read() -> None:
        nonlocal hits
        client = Redis.from_url(redis_url)
        mine = FreshCache(client, "race", newest=data.newest)
        while not over.is_set():
            promised = acknowledged
            state, seen = answer(mine, data)
            hits += state is CacheState.HIT
            if seen < promised:
                behind.append((promised, seen))
        client.close()

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    writer = FreshCache(redis, "race", newest=data.newest)
    for value in range(1, 400):
        data.write(value)
        writer.changed()
        acknowledged = value
        time.sleep(0.002)
    over.set()
    for reader in readers:
        reader.join()
    assert behind == []
    assert hits > 0


def test_ever_new_questions_do_not_fill_redis(cache, redis):
    for number in range(2000):
        cache.keep(cache.look_up(f"question {number}"), b"answer %d" % number)
    assert len(redis.keys("reckoner:cache:test:at:*")) <= 512
    for number in range(2000):
        found = cache.look_up(f"question {number}")
        assert found.state is CacheState.MISS or found.body == b"answer %d" % number


def test_one_question_has_one_key():
    assert keys_of({"limit": 5, "title": None}) == keys_of({"limit": 5})
    assert keys_of({"a": "1&b=2"}) != keys_of({"a": "1", "b": 2})
