"""Wait for a slow call without going deaf: a job has to hear its cancellation twice a second."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")

_LISTEN_EVERY = 0.3  # seconds


def while_listening(call: Callable[[], T], listen: Callable[[], None], give_up: Callable[[], None]) -> T:
    """The result of `call`, run in a thread of its own; when `listen` raises, `give_up` has to make the call end."""
    with ThreadPoolExecutor(1, thread_name_prefix="sync") as pool:
        calling = pool.submit(call)
        try:
            while not wait([calling], _LISTEN_EVERY).done:
                listen()
        except BaseException:
            give_up()
            raise
        return calling.result()
