"""Requests that share a round trip: who goes with whom, and what each is told."""

import asyncio
import threading
import time

from api.together import Together


class Slow:
    """Work that does not end before it is let go, so that others arrive meanwhile."""

    def __init__(self):
        self.lists = []
        self.began_at = []
        self.began = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def __call__(self, asked):
        self.lists.append(list(asked))
        self.began_at.append(time.monotonic())
        self.began.release()
        self.go.acquire()
        if "all" in asked:
            raise ConnectionError("gone")
        return [ValueError(one) if one == "odd" else one * 2 for one in asked]


async def behind(line, work, first, *others):
    """Ask `first`, and all of `others` while it is under way; what each was told."""
    asked = [line.ask(first)]
    await asyncio.to_thread(work.began.acquire)
    asked += [line.ask(one) for one in others]
    work.go.release(2)  # one list for the first, one for all of the others
    return await asyncio.gather(*asked, return_exceptions=True)


def test_what_finds_the_thread_idle_goes_alone_and_the_rest_shares_the_next_list():
    work = Slow()
    assert asyncio.run(behind(Together(work, "test"), work, "a", "b", "c", "d")) == ["aa", "bb", "cc", "dd"]
    assert work.lists == [["a"], ["b", "c", "d"]]


def test_an_error_of_one_is_its_own_and_an_error_of_all_is_everybodys():
    work = Slow()
    line = Together(work, "test")
    _, good, odd = asyncio.run(behind(line, work, "a", "b", "odd"))
    assert (good, type(odd)) == ("bb", ValueError)
    _, *both = asyncio.run(behind(line, work, "a", "all", "b"))
    assert [type(error) for error in both] == [ConnectionError] * 2


def test_whoever_went_away_costs_the_others_nothing():
    work = Slow()

    async def leave():
        line = Together(work, "test")
        first = line.ask("a")
        await asyncio.to_thread(work.began.acquire)
        gone, stays = line.ask("b"), line.ask("c")
        gone.cancel()
        work.go.release(2)
        return await first, await stays

    assert asyncio.run(leave()) == ("aa", "cc")
    assert work.lists == [["a"], ["b", "c"]]


def test_a_list_of_several_is_followed_by_a_pause():
    work = Slow()
    line = Together(work, "test", pause=0.2)

    async def then_one_more():
        await behind(line, work, "a", "b", "c")
        work.go.release()
        await line.ask("d")

    asyncio.run(then_one_more())
    assert work.lists == [["a"], ["b", "c"], ["d"]]
    assert work.began_at[2] - work.began_at[1] >= 0.2


def test_what_comes_one_by_one_never_pauses():
    line = Together(lambda asked: asked, "test", pause=60)

    async def one_by_one():
        return [await asyncio.wait_for(line.ask(one), 30) for one in "abc"]

    assert asyncio.run(one_by_one()) == ["a", "b", "c"]
