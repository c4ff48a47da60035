"""Sums that many processes add to at once: exact, bounded, each key applied once, each move noted."""

import random
import time
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from importlib.resources import files
from typing import cast
from uuid import uuid4

import orjson
import redis.exceptions
from redis import Redis

from core.errors import ConflictError, InvalidInputError, PlatformError, UnavailableError
from core.journal import MOST_ENTRIES
from core.running_sum import journal
from core.running_sum.coalesce import Coalescer
from core.running_sum.moves import (
    HIGHEST,
    LOWEST,
    Answer,
    Move,
    MoveKind,
    checked_key,
    checked_name,
    time_from,
)

APPLY = (files("core.running_sum") / "apply.lua").read_text()
RESTORE = (files("core.running_sum") / "restore.lua").read_text()
LIFE = "reckoner:abacus:life"
KEYS_REMEMBERED = timedelta(hours=24)
TRIES = 5
FSYNC_WAIT_MS = 1_500  # less than the client waits for an answer


class Durability(StrEnum):
    """What an answered move has survived to."""

    EVERYSEC = "everysec"  # Redis has it; its own `appendfsync` says what that is worth.
    ALWAYS = "always"  # Redis has it on disk.
    HISTORY = "history"  # Postgres has committed it.


class RunningSums:
    """All running sums of one Redis, for one process. Safe to use from many threads, and best used so."""

    def __init__(
        self,
        redis: "Redis",
        history: journal.History,
        *,
        node_id: str,
        durability: Durability = Durability.EVERYSEC,
        most_in_journal: int = MOST_ENTRIES,
    ) -> None:
        self._redis = redis
        self._history = history
        self._node = _as_json(node_id)
        self._node_id = node_id
        self._durability = durability
        self._most = str(most_in_journal)
        self._sha = ""
        self._line: Coalescer[tuple[str, Move], Answer] = Coalescer(self.apply)

    def add(self, name: str, amount: int, key: str | None = None, *, actor: str | None = None) -> Answer:
        """Add and return the new sum; the same key again returns the first answer and adds nothing."""
        if not LOWEST <= amount <= HIGHEST:
            raise ConflictError("the sum is a signed 64-bit number; it was not changed", name=name)
        return self._line.ask((checked_name(name), Move(MoveKind.ADD, amount, checked_key(key), actor)))

    def reset(self, name: str, key: str | None = None, *, actor: str | None = None) -> Answer:
        """Set the sum to zero; the history stays."""
        return self._line.ask((checked_name(name), Move(MoveKind.RESET, 0, checked_key(key), actor)))

    def read(self, name: str) -> Answer:
        return self._line.ask((checked_name(name), Move(MoveKind.READ)))

    def apply(self, asked: Sequence[tuple[str, Move]]) -> list[Answer | Exception]:
        """Many moves in one round trip for each sum; names, keys and amounts are the caller's to check."""
        answers: list[Answer | Exception | None] = [None] * len(asked)
        by_name: dict[str, list[int]] = {}
        for place, (name, _) in enumerate(asked):
            by_name.setdefault(name, []).append(place)
        for name, places in by_name.items():
            try:
                given = self._apply(name, [asked[place][1] for place in places])
            except PlatformError as error:
                given = [error] * len(places)
            for place, answer in zip(places, given, strict=True):
                answers[place] = answer
        return answers  # type: ignore[return-value]  # every place belongs to one name

    def _apply(self, name: str, moves: Sequence[Move]) -> Sequence[Answer | Exception]:
        try:
            replies = self._run(name, moves)
            if self._durability is not Durability.EVERYSEC and any(move.kind is not MoveKind.READ for move in moves):
                self._make_durable()
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
            raise UnavailableError(
                "Redis does not answer; a request in flight may or may not have been applied: "
                "repeat it with the same Idempotency-Key to be sure",
                retry_after=1,
            ) from error
        except (redis.exceptions.OutOfMemoryError, redis.exceptions.ReadOnlyError) as error:
            raise UnavailableError("Redis takes no writes at the moment; nothing was changed", retry_after=5) from error
        return [self._answer(name, move, reply) for move, reply in zip(moves, replies, strict=True)]

    def _run(self, name: str, moves: Sequence[Move]) -> list[list[bytes | int]]:
        arguments: list[str | int] = [_as_json(name), int(KEYS_REMEMBERED.total_seconds()), self._most]
        for move in moves:
            key = "" if move.key is None else key_key(name, move.key)
            tail = f"{_as_json(move.key)},{_as_json(move.actor)}"
            arguments += (move.kind.value, move.amount, key, tail, self._node)
        keys = (state_key(name), LIFE, journal.KEY)
        for attempt in range(TRIES):
            try:
                reply = self._redis.evalsha(self._sha, len(keys), *keys, *arguments)
            except redis.exceptions.NoScriptError:
                self._begin_life()
                continue
            if reply != b"unchecked":
                return cast("list[list[bytes | int]]", reply)
            time.sleep(random.uniform(0, 0.02 * attempt))  # Others restore the same sum: let them finish.
            self._restore(name)
        raise UnavailableError(f"the sum {name!r} could not be compared with its history; try again", retry_after=1)

    def _begin_life(self) -> None:
        """Load the script, after marking every sum as unchecked.

        Redis forgets scripts when it starts: that the script is missing is how a restart is seen, before a
        single move is applied to what may be an older state.
        """
        self._redis.set(LIFE, uuid4().hex)
        self._sha = self._redis.script_load(APPLY)

    def _restore(self, name: str) -> None:
        """Compare with the history while nobody else moves entries, maybe of the life that was lost."""
        with self._history.alone(wait=True) as held:
            if held is None:
                return
            journal.drain_into(held, self._redis)
            head = held.head(name)
            for known in held.recent_keys(name):
                self._remember(name, known)
            keys = (state_key(name), LIFE, journal.KEY)
            facts = (_as_json(name), head.sequence, head.sum, self._node, uuid4().hex)
            self._redis.eval(RESTORE, len(keys), *keys, *facts)

    def _remember(self, name: str, known: Sequence[journal.KnownKey]) -> None:
        lifetime = int(KEYS_REMEMBERED.total_seconds())
        with self._redis.pipeline(transaction=False) as pipe:
            for one in known:
                answer = (("move", one.move), ("sum", one.sum), ("at", one.at_microseconds))
                place = (("seq", one.sequence), ("node", _as_json(one.node_id)))
                pipe.hset(key_key(name, one.key), items=[part for pair in (*answer, *place) for part in pair])
                pipe.expire(key_key(name, one.key), lifetime)
            pipe.execute()

    def _make_durable(self) -> None:
        if self._durability is Durability.HISTORY:
            journal.drain(self._redis, self._history, wait=True)
            return
        try:
            on_disk, _ = self._redis.waitaof(1, 0, FSYNC_WAIT_MS)
        except redis.exceptions.ResponseError:  # The server keeps no append-only file.
            on_disk = 0
        if not on_disk:
            raise UnavailableError(
                "applied, but not known to be on disk: repeat it with the same Idempotency-Key", retry_after=1
            )

    def _answer(self, name: str, move: Move, reply: Sequence[bytes | int]) -> Answer | Exception:
        outcome, total, at, sequence, node = reply
        if outcome == b"bound":
            return ConflictError(
                "the sum is a signed 64-bit number; it was not changed",
                name=name,
                sum=int(total),
                number=move.amount,
            )
        if outcome == b"other_move":
            return InvalidInputError(
                "this Idempotency-Key was used for another request; nothing was changed",
                field="Idempotency-Key",
            )
        if outcome == b"backlog":
            return UnavailableError("the history is behind by too much; nothing was changed", retry_after=5)
        is_replay = outcome == b"replayed"
        node_id = orjson.loads(node) if is_replay else self._node_id  # type: ignore[arg-type]
        return Answer(int(total), int(sequence), time_from(int(at)), node_id, is_replay)


def state_key(name: str) -> str:
    """The Redis key that holds a sum."""
    return f"reckoner:abacus:sum:{name}"


def key_key(name: str, key: str) -> str:
    """The Redis key that remembers the first answer to an idempotency key."""
    return f"reckoner:abacus:key:{name}:{key}"


def _as_json(value: str | None) -> str:
    return orjson.dumps(value).decode()
