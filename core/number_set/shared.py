"""Number sets that all nodes share: one bitmap each in Redis, one winner for each number."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import Any, cast

import orjson
import redis.exceptions
from redis import Redis

from core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from core.journal import MOST_ENTRIES, drain_into
from core.number_set.errors import (
    HIGHEST_MAXIMUM,
    MultipleNumbersExtractedError,
    NoNumbersExtractedError,
    NumberAlreadyExtractedError,
    NumberOutOfRangeError,
)
from core.number_set.history import Entry, HeldHistory, History

_NOTE, _EXTRACT, _CHANGE, RANGES, RESTORE = (
    (files("core.number_set") / f"{name}.lua").read_text()
    for name in ("note", "extract", "change", "ranges", "restore")
)
EXTRACT, CHANGE = _NOTE + _EXTRACT, _NOTE + _CHANGE
SCRIPTS = {hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(): text for text in (EXTRACT, CHANGE, RANGES)}
_SHA = {text: sha for sha, text in SCRIPTS.items()}
TRIES = 5
KEYS_REMEMBERED = timedelta(hours=24)
MOST_RANGES = 1_000
PREFIX = "reckoner:numbers:"
JOURNAL = f"{PREFIX}journal"
NAMES = f"{PREFIX}names"  # sorted by name, so that a page of them is a range
WHOLE = f"{PREFIX}whole"  # is there unless the server was emptied
FIELDS = ("max", "count", "sum", "ranges")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_KEY = re.compile(r"[ -~]{1,512}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SetFacts:
    """What is known of a set without looking at its numbers."""

    max_number: int
    extracted_count: int
    extracted_sum: int
    range_count: int

    @property
    def remaining_count(self) -> int:
        return self.max_number - self.extracted_count

    def missing_number(self) -> int:
        """The one that was extracted: n(n + 1) / 2 less the sum of what is left, whatever the size."""
        if self.extracted_count == 0:
            raise NoNumbersExtractedError
        if self.extracted_count > 1:
            raise MultipleNumbersExtractedError(self.extracted_count)
        full = self.max_number * (self.max_number + 1) // 2
        left = full - self.extracted_sum
        return full - left


@dataclass(frozen=True, slots=True)
class Extraction:
    number: int
    remaining_count: int
    is_replay: bool


class SharedNumberSets:
    """All number sets of one Redis; docs/running-sum.md says how durable they are.

    Whatever changes one is noted in the journal in the same step, with the `actor` that the caller names. Redis forgets
    scripts when it starts, and the mark when it is emptied: then, before anything is asked of a set, what the history
    knows of all of them and Redis does not is put back. The scripts are loaded only after that.
    """

    def __init__(
        self,
        redis: "Redis",
        *,
        always: Mapping[str, int] | None = None,
        node_id: str = "",
        most_in_journal: int = MOST_ENTRIES,
        history: History | None = None,
    ) -> None:
        """`always` names sets that need not be made, with their maximum. Without a history what is lost is lost."""
        self._redis = redis
        self._history = history
        self._always = dict(always or {})
        self._node = _as_json(node_id)
        self._most = most_in_journal

    def create(self, name: str, max_number: int, *, actor: str | None = None) -> bool:
        """Make a full set; False where there is one already, of the same maximum."""
        if not 1 <= max_number <= HIGHEST_MAXIMUM:
            raise InvalidInputError(f"a number set has 1 to {HIGHEST_MAXIMUM} numbers", field="max_number")
        if name in self._always and max_number != self._always[name]:
            raise ConflictError(f"the number set {name!r} always has the maximum {self._always[name]}")
        outcome, found = self._changed("create", name, max_number, actor)
        if found != max_number:
            raise ConflictError(f"the number set {name!r} exists with the maximum {found}", max_number=found)
        return outcome == b"ok"

    def page(self, *, after: str = "", limit: int) -> tuple[list[tuple[str, SetFacts]], str | None]:
        """The sets whose names follow `after`, each as it is now; and the last one, if more follow it."""
        with _answering():
            first = f"({after}" if after else "-"
            (listed,) = self._read(lambda pipe: pipe.zrange(NAMES, first, "+", bylex=True, offset=0, num=limit + 1))
            made = {name.decode() for name in cast("list[bytes]", listed)}
            names = sorted(made | {name for name in self._always if name > after})
            facts = self._read(lambda pipe: [pipe.hmget(_facts(name), FIELDS) for name in names[:limit]])
        # One that was forgotten in between has no maximum any more.
        found = [each for each in zip(names, facts, strict=False) if each[1][0] or each[0] in self._always]
        more = names[limit - 1] if len(names) > limit else None
        return [(name, self._known(name, each)) for name, each in found], more

    def facts(self, name: str) -> SetFacts:
        with _answering():
            (found,) = self._read(lambda pipe: pipe.hmget(_facts(checked_name(name)), FIELDS))
        return self._known(name, found)

    def extract(self, name: str, number: int, key: str | None = None, *, actor: str | None = None) -> Extraction:
        """Take a number out: of any number of nodes that try at once, one succeeds."""
        if key is not None and not _KEY.fullmatch(key):
            raise InvalidInputError(
                "an Idempotency-Key is 1 to 512 printable ASCII characters", field="Idempotency-Key"
            )
        remembered = "" if key is None else _remembered(checked_name(name), key)
        # Zero is as far outside every set as a number that Lua could not hold.
        asked = number if abs(number) <= HIGHEST_MAXIMUM else 0
        with _answering():
            outcome, count, highest = cast(
                "tuple[bytes, int, int]",
                self._run(
                    EXTRACT,
                    (_bits(checked_name(name)), _facts(name), remembered, JOURNAL, NAMES, WHOLE),
                    (
                        *(asked, int(KEYS_REMEMBERED.total_seconds()), self._always.get(name, ""), self._most, name),
                        *(_as_json(name), self._by(actor, key)),
                    ),
                ),
            )
        match outcome:
            case b"ok" | b"replayed":
                return Extraction(number, highest - count, outcome == b"replayed")
            case b"range":
                raise NumberOutOfRangeError(number, highest)
            case b"extracted":
                raise NumberAlreadyExtractedError(number)
            case b"other_number":
                raise InvalidInputError(
                    "this Idempotency-Key was used for another number; nothing was changed",
                    field="Idempotency-Key",
                )
            case b"backlog":
                raise _behind()
            case _:
                raise _unknown(name)

    def reset(self, name: str, *, actor: str | None = None) -> SetFacts:
        """Put all numbers back."""
        return SetFacts(self._changed("reset", name, self._always.get(name, ""), actor)[1], 0, 0, 0)

    def delete(self, name: str, *, actor: str | None = None) -> None:
        self._changed("delete", name, "", actor)

    def _changed(self, kind: str, name: str, maximum: int | str, actor: str | None) -> tuple[bytes, int]:
        keys = (_bits(checked_name(name)), _facts(name), _errors(name), JOURNAL, NAMES, WHOLE)
        facts = (kind, maximum, self._most, name, _as_json(name), self._by(actor, None))
        with _answering():
            outcome, highest = cast("tuple[bytes, int]", self._run(CHANGE, keys, facts))
        if outcome == b"unknown":
            raise _unknown(name)
        if outcome == b"backlog":
            raise _behind()
        return outcome, highest

    def missing_ranges(self, name: str, *, start: int = 1, limit: int) -> tuple[SetFacts, list[tuple[int, int]]]:
        """What is known of the set, and its ranges of missing numbers from `start` on, as of one moment."""
        bounds = max(start, 1), min(limit, MOST_RANGES)
        with _answering():
            found, ends = self._read(
                lambda pipe: (
                    pipe.hmget(_facts(checked_name(name)), FIELDS),
                    pipe.evalsha(_SHA[RANGES], 1, _bits(name), *bounds),
                )
            )
        return self._known(name, found), list(zip(ends[::2], ends[1::2], strict=True))

    def note_error(self, name: str, code: str) -> None:
        """Count a refusal for the summary."""
        with _answering():
            self._redis.hincrby(_errors(checked_name(name)), code, 1)

    def error_counts(self, name: str) -> dict[str, int]:
        with _answering():
            found = cast("dict[bytes, bytes]", self._redis.hgetall(_errors(checked_name(name))))
        return {code.decode(): int(count) for code, count in sorted(found.items())}

    def _run(self, script: str, keys: Sequence[str], facts: Sequence[str | int]) -> Any:
        for _ in range(TRIES):
            with suppress(redis.exceptions.NoScriptError):
                answer = cast("list[Any]", self._redis.evalsha(_SHA[script], len(keys), *keys, *facts))
                if answer[0] != b"unchecked":
                    return answer
            self._begin()
        raise _not_compared()

    def _read(self, ask: Callable[[Any], object]) -> list[Any]:
        """What `ask` puts into one transaction, answered by a server that has been compared with the history."""
        for _ in range(TRIES):
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.script_exists(*SCRIPTS)
                pipe.exists(WHOLE)
                ask(pipe)
                scripts, mark, *answers = pipe.execute(raise_on_error=False)
            if mark and all(scripts):
                for answer in answers:
                    if isinstance(answer, Exception):
                        raise answer
                return answers
            self._begin()
        raise _not_compared()

    def _begin(self) -> None:
        """Put back what the history knows and Redis does not, then let everybody at the sets: load the scripts."""
        if self._history is None:
            self._load_scripts()
            return
        with self._history.alone(wait=True) as held:
            if held is None or (self._redis.exists(WHOLE) and all(self._redis.script_exists(*SCRIPTS))):
                return  # another process was quicker
            drain_into(held, self._redis, JOURNAL)
            for name, sequence in held.heads():
                self._restore(held, name, sequence)
            self._load_scripts()

    def _load_scripts(self) -> None:
        self._redis.set(WHOLE, 1)
        for text in SCRIPTS.values():
            self._redis.script_load(text)

    def _restore(self, held: HeldHistory, name: str, sequence: int) -> None:
        there = int(cast("bytes | None", self._redis.hget(_facts(name), "seq")) or 0)
        if there >= sequence:
            return
        always = self._always.get(name, "")
        for some in held.entries_after(name, there):
            keys = [_remembered(name, one.key) if one.key and one.key_seconds > 0 else "" for one in some]
            facts = [fact for one in some for fact in _as_facts(one)]
            own = (_bits(name), _facts(name), _errors(name), NAMES)
            self._redis.eval(RESTORE, len(own) + len(keys), *own, *keys, name, always, *facts)

    def _by(self, actor: str | None, key: str | None) -> str:
        return f"{self._node},{_as_json(actor)},{_as_json(key)}"

    def _known(self, name: str, found: Sequence[object]) -> SetFacts:
        highest, *counts = (None if one is None else int(cast("bytes", one)) for one in found)
        highest = highest or self._always.get(name)
        if highest is None:
            raise _unknown(name)
        return SetFacts(highest, *(count or 0 for count in counts))


def checked_name(name: str) -> str:
    """The name, if it may name a set."""
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{name[:80]!r} cannot name a number set: lower-case letters, digits, '.', '_' and '-', "
            "at most 64, the first one a letter or digit",
            field="name",
        )
    return name


def _as_facts(entry: Entry) -> tuple[str | int, ...]:
    return entry.kind, entry.number, entry.extracted_count, entry.sequence, entry.key_seconds


def _not_compared() -> UnavailableError:
    return UnavailableError("the number sets could not be compared with their history; try again", retry_after=1)


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(f"no number set {name!r}; make it with PUT and its max_number", name=name)


def _behind() -> UnavailableError:
    return UnavailableError("the history is behind by too much; nothing was changed", retry_after=5)


def _as_json(value: str | None) -> str:
    return orjson.dumps(value).decode()


def _bits(name: str) -> str:
    return f"{PREFIX}bits:{name}"


def _remembered(name: str, key: str) -> str:
    return f"{PREFIX}key:{name}:{key}"


def _facts(name: str) -> str:
    return f"{PREFIX}facts:{name}"


def _errors(name: str) -> str:
    return f"{PREFIX}errors:{name}"


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
        raise UnavailableError(
            "Redis does not answer; a request in flight may or may not have been applied", retry_after=1
        ) from error
    except (redis.exceptions.OutOfMemoryError, redis.exceptions.ReadOnlyError) as error:
        raise UnavailableError("Redis takes no writes at the moment; nothing was changed", retry_after=5) from error
