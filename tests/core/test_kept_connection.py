"""The client that keeps its connection gives each question its own answer, whatever comes between."""

import signal
import threading
from contextlib import suppress
from itertools import pairwise

import pytest
import redis as redis_py

from embedded.valkey import Valkey
from tasks.runtime import connect_redis


@pytest.fixture
def client(redis, redis_url):  # noqa: ARG001  # an empty one
    with connect_redis(redis_url, alone=True) as client:
        yield client


def test_it_keeps_one_connection(client):
    assert len({client.client_id() for _ in range(3)}) == 1


def test_answers_are_made_as_its_base_makes_them(client, redis):
    client.hset("one", mapping={"a": 1})
    client.set("two", "x", px=5_000)
    assert client.hgetall("one") == redis.hgetall("one") == {b"a": b"1"}
    assert client.mget(["two", "three"]) == [b"x", None]
    assert client.get("three") is None


def test_a_refused_command_leaves_the_connection_as_it_was(client):
    before = client.client_id()
    with pytest.raises(redis_py.ResponseError):
        client.eval("not a script", 0)
    assert client.client_id() == before


def test_a_question_cut_off_by_a_signal_does_not_leave_its_answer_to_the_next(client):
    class CutOffError(Exception):
        pass

    def cut_off(*_):
        raise CutOffError

    usual = signal.signal(signal.SIGALRM, cut_off)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(CutOffError):
            client.eval("local till = 0 while till < 30000000 do till = till + 1 end return 'late'", 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)
    assert client.echo("mine") == b"mine"


def test_threads_get_their_own_answers(client):
    wrong = []

    def ask(name):
        wrong.extend(each for each in range(300) if client.echo(f"{name} {each}") != f"{name} {each}".encode())

    threads = [threading.Thread(target=ask, args=(name,), daemon=True) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert not any(thread.is_alive() for thread in threads)


def test_a_restart_of_the_server_costs_no_command():
    with Valkey.throwaway() as server, connect_redis(server.url, alone=True) as client:
        client.set("kept", 1)
        server.stop()
        with suppress(redis_py.ConnectionError):  # what is asked while it is away fails, once or more
            for _ in range(2):
                client.get("kept")
        server.start()
        assert client.get("kept") == b"1"
        server.stop()
        server.start()
        assert client.get("kept") == b"1"


def test_each_answer_follows_its_question_over_many(client):
    numbers = [client.incr("count") for _ in range(500)]
    assert all(after == before + 1 for before, after in pairwise(numbers))
