"""Any JSON value as people read it: facts as pairs, lists of records as tables, long ones cut with a note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from api.console.wording import NOTHING, label, number

_MOST_ROWS = 200
_MOST_ITEMS = 500
_MOST_DEPTH = 8
_LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Text:
    text: str
    is_number: bool = False


@dataclass(frozen=True)
class Words:
    """A list of plain values."""

    items: tuple[Text, ...]
    left_out: int


@dataclass(frozen=True)
class Fact:
    label: str
    hint: str
    value: Shown


@dataclass(frozen=True)
class Facts:
    """What fits on a line each, and below it what needs room."""

    facts: tuple[Fact, ...]
    blocks: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Table:
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Text, ...], ...]
    left_out: int


Shown = Text | Words | Facts | Table


def shown(value: Any, schema: Mapping[str, Any] | None = None, depth: int = 0) -> Shown:
    """The value, with labels and hints from its schema where there is one."""
    root = schema or {}
    return _shown(value, root, root, depth)


def _shown(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Shown:
    if isinstance(value, Mapping) and value and depth < _MOST_DEPTH:
        return _facts(value, schema, root, depth)
    if isinstance(value, list) and value and depth < _MOST_DEPTH:
        if all(isinstance(item, Mapping) for item in value):
            return _table(value)
        if all(not isinstance(item, Mapping | list) for item in value):
            words = tuple(plain(item) for item in value[:_MOST_ITEMS])
            return Words(words, max(len(value) - _MOST_ITEMS, 0))
        items = enumerate(value[:_MOST_ROWS], start=1)
        return Facts((), tuple(Fact(str(place), "", _shown(item, {}, root, depth + 1)) for place, item in items))
    return plain(value)


def _facts(value: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Facts:
    """In the schema's order; what is empty is left out, because nobody looks for it."""
    described = _deref(schema, root).get("properties", {})
    names = [name for name in described if name in value] + [name for name in value if name not in described]
    facts: list[Fact] = []
    blocks: list[Fact] = []
    for name in names:
        about = described.get(name, {})
        if value[name] is None or value[name] == [] or value[name] == {}:
            continue
        inner = _shown(value[name], about, root, depth + 1)
        fact = Fact(label(str(name)), str(about.get("description", "")), inner)
        (blocks if isinstance(inner, Table | Facts) else facts).append(fact)
    return Facts(tuple(facts), tuple(blocks))


def asked_for(params: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The params that differ from their defaults: what somebody asked for."""
    properties = schema.get("properties", {})
    return {
        name: value
        for name, value in params.items()
        if name not in properties or "default" not in properties[name] or value != properties[name]["default"]
    }


def _deref(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    for option in schema.get("anyOf", ()):
        if option.get("type") != "null":
            return _deref(option, root)
    if "$ref" not in schema:
        return schema
    target: Any = root
    for step in schema["$ref"].removeprefix("#/").split("/"):
        target = target.get(step, {})
    found: Mapping[str, Any] = target
    return found


def _table(records: Sequence[Mapping[str, Any]]) -> Table:
    flat = [_flat(record) for record in records[:_MOST_ROWS]]
    names = list(dict.fromkeys(name for record in flat for name in record))
    rows = tuple(tuple(plain(record.get(name)) for name in names) for record in flat)
    numeric = tuple(
        any(row[place].is_number for row in rows)
        and all(row[place].is_number or row[place].text == NOTHING for row in rows)
        for place in range(len(names))
    )
    columns = tuple(" · ".join(label(part) for part in name.split("\0")) for name in names)
    return Table(columns, numeric, rows, max(len(records) - _MOST_ROWS, 0))


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A record inside a record becomes columns of its own: `first` · `cell`."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping) and not prefix:
            found |= _flat(value, f"{name}\0")
        else:
            found[f"{prefix}{name}"] = value
    return found


def plain(value: Any) -> Text:
    if value is None:
        return Text(NOTHING)
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, int | float | Decimal):
        return Text(number(value), is_number=True)
    if isinstance(value, list | tuple):
        return Text(", ".join(plain(item).text for item in value[:20]) or "none")
    if isinstance(value, Mapping):
        return Text(", ".join(f"{name}: {plain(inner).text}" for name, inner in list(value.items())[:20]) or "none")
    text = str(value)
    return Text(text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…")
