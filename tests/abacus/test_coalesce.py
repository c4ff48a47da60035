"""Calls that come together share one round trip, and each gets its own answer."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.running_sum.coalesce import Coalescer


class Slow:
    """Work that does not end before it is let go, so that others arrive meanwhile."""

    def __init__(self):
        self.batches = []
        self.began = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def __call__(self, asked):
        self.batches.append(list(asked))
        self.began.release()
        self.go.acquire()
        return [ValueError(one) if one < 0 else one * 10 for one in asked]


def ask_behind(line, work, first, others):
    """Ask `first`, and all of `others` while it is under way; the answers as futures."""
    pool = ThreadPoolExecutor(len(others) + 1)
    futures = [pool.submit(line.ask, first)]
    work.began.acquire()
    for count, one in enumerate(others, 1):
        futures.append(pool.submit(line.ask, one))
        while len(line._waiting) < count:
            pass
    for _ in range(len(others) + 1):
        work.go.release()
    pool.shutdown(wait=False)
    return futures


def test_what_arrives_meanwhile_shares_the_next_round_trip():
    work = Slow()
    futures = ask_behind(Coalescer(work), work, 1, [2, 3, 4])
    assert [future.result(10) for future in futures] == [10, 20, 30, 40]
    assert work.batches == [[1], [2, 3, 4]]


def test_a_round_trip_carries_no_more_than_the_most():
    work = Slow()
    futures = ask_behind(Coalescer(work, most=2), work, 1, [2, 3, 4])
    assert [future.result(10) for future in futures] == [10, 20, 30, 40]
    assert work.batches == [[1], [2, 3], [4]]


def test_a_refusal_reaches_its_own_caller_only():
    work = Slow()
    futures = ask_behind(Coalescer(work), work, 1, [2, -3, 4])
    assert [futures[place].result(10) for place in (0, 1, 3)] == [10, 20, 40]
    with pytest.raises(ValueError, match="-3"):
        futures[2].result(10)


def test_work_that_fails_as_a_whole_fails_for_all_and_the_next_call_works():
    calls = []

    def work(asked):
        calls.append(list(asked))
        if len(calls) == 1:
            raise ConnectionError("gone")
        return asked

    line = Coalescer(work)
    with pytest.raises(ConnectionError):
        line.ask(1)
    assert line.ask(2) == 2


def test_many_threads_get_each_their_own_answer():
    line = Coalescer(lambda asked: [one + 1 for one in asked], most=5)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(line.ask, range(5000))) == list(range(1, 5001))
