"""Tell good records of the outside API from bad ones, each by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_LONGEST = {"title": 10_000, "body": 1_000_000}
_LARGEST = 2**63 - 1


class BadRecordError(ValueError):
    """A record cannot be used; the message says why in a few words."""


@dataclass(frozen=True)
class Post:
    external_id: int
    title: str
    body: str
    user_id: int


@dataclass(frozen=True)
class Failure:
    position: int
    external_id: int | None
    reason: str


@dataclass
class Harvest:
    """What a feed came to so far."""

    posts: dict[int, Post] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    records: int = 0
    duplicates: int = 0

    def take(self, records: Iterable[Any]) -> None:
        """Sort records into good and bad."""
        for record in records:
            position = self.records
            self.records += 1
            try:
                self._keep(checked(record))
            except BadRecordError as error:
                self.failures.append(Failure(position, _id_of(record), str(error)))

    def _keep(self, post: Post) -> None:
        known = self.posts.setdefault(post.external_id, post)
        if known is post:
            return
        if known != post:
            raise BadRecordError(f"id {post.external_id} came twice with different content; the first was taken")
        self.duplicates += 1


def checked(record: Any) -> Post:
    """The record as a post, or BadRecordError."""
    if not isinstance(record, dict):
        raise BadRecordError(f"not an object but {_kind(record)}")
    return Post(
        external_id=_number(record, "id"),
        title=_text(record, "title", may_be_empty=False),
        body=_text(record, "body", may_be_empty=True),
        user_id=_number(record, "userId"),
    )


def _number(record: dict[str, Any], name: str) -> int:
    value = _present(record, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadRecordError(f"{name} is {_kind(value)}, not an integer")
    if not 1 <= value <= _LARGEST:
        raise BadRecordError(f"{name} is {value}; it must be between 1 and 2^63-1")
    return value


def _text(record: dict[str, Any], name: str, *, may_be_empty: bool) -> str:
    value = _present(record, name)
    if not isinstance(value, str):
        raise BadRecordError(f"{name} is {_kind(value)}, not text")
    if not may_be_empty and not value.strip():
        raise BadRecordError(f"{name} is empty")
    if "\x00" in value:
        raise BadRecordError(f"{name} holds a NUL character")
    if len(value) > _LONGEST[name]:
        raise BadRecordError(f"{name} has {len(value)} characters; at most {_LONGEST[name]} are taken")
    return value


def _present(record: dict[str, Any], name: str) -> Any:
    if name not in record:
        raise BadRecordError(f"{name} is missing")
    return record[name]


def _id_of(record: Any) -> int | None:
    value = record.get("id") if isinstance(record, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST else None


def _kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "a truth value",
        int: "an integer",
        float: "a number",
    }
    return "null" if value is None else names[type(value)]
