"""Any JSON value as people read it: facts as pairs, lists of records as tables, long ones cut with a note."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from api.console.wording import NOTHING, label, number, size, span
from core.workbook.source import ONLY_SHEET

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


@dataclass(frozen=True)
class Count:
    label: str
    count: int
    share: int  # of the highest, in thousandths


@dataclass(frozen=True)
class Counts:
    """How many of each, for a plot."""

    counts: tuple[Count, ...]


Shown = Text | Words | Facts | Table | Counts


def shown(value: Any, schema: Mapping[str, Any] | None = None, depth: int = 0) -> Shown:
    """The value, with labels and hints from its schema where there is one."""
    root = schema or {}
    return _shown(value, root, root, depth)


def _shown(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Shown:
    if isinstance(value, Mapping) and value and depth < _MOST_DEPTH:
        return _facts(value, schema, root, depth)
    if isinstance(value, list) and value and depth < _MOST_DEPTH:
        if all(isinstance(item, Mapping) for item in value):
            return _table(value, _deref(schema, root).get("items", {}), root)
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
        if value[name] is None or value[name] == [] or value[name] == {} or _says_nothing(str(name), value[name]):
            continue
        special: Shown | None = _counts(value[name], about, root) or _measured(str(name), value[name])
        inner = special or _shown(value[name], about, root, depth + 1)
        fact = Fact(label(str(name)), str(about.get("description", "")), inner)
        (blocks if isinstance(inner, Table | Facts | Counts) else facts).append(fact)
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


def _counts(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Counts | None:
    """What a schema calls counts by name, the highest first."""
    if _deref(schema, root).get("additionalProperties") != {"type": "integer"}:
        return None
    return counts_of(value)


def counts_of(value: Mapping[str, int]) -> Counts:
    most = max(value.values(), default=0)
    ordered = sorted(value.items(), key=lambda pair: -pair[1])
    return Counts(tuple(Count(label(name), n, int(1000 * n / most) if most > 0 else 0) for name, n in ordered))


def _measured(name: str, value: Any) -> Text | None:
    """A number whose name says its unit."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if name == "seconds" or name.endswith("_seconds"):
        return Text(span(value), is_number=True)
    if name == "bytes" or name.endswith("_bytes"):
        return Text(size(value), is_number=True)
    return None


def _says_nothing(name: str, value: Any) -> bool:
    """A file of one table has no sheets."""
    return name.rpartition("\0")[2] == "sheet" and value == ONLY_SHEET


def _table(records: Sequence[Mapping[str, Any]], schema: Mapping[str, Any], root: Mapping[str, Any]) -> Table:
    """Columns in the schema's order: the database keeps none."""
    flat = [_flat(record) for record in records[:_MOST_ROWS]]
    there = dict.fromkeys(name for record in flat for name in record)
    places = {name: place for place, name in enumerate(_names(schema, root))}
    ordered = sorted(there, key=lambda name: places.get(name, places.get(name.partition("\0")[0], len(places))))
    names = [name for name in ordered if not all(_says_nothing(name, record.get(name)) for record in flat)]
    rows = tuple(
        tuple(_measured(name, record.get(name)) or plain(record.get(name)) for name in names) for record in flat
    )
    numeric = tuple(
        any(row[place].is_number for row in rows)
        and all(row[place].is_number or row[place].text == NOTHING for row in rows)
        for place in range(len(names))
    )
    columns = tuple(" · ".join(label(part) for part in name.split("\0")) for name in names)
    return Table(columns, numeric, rows, max(len(records) - _MOST_ROWS, 0))


def _names(schema: Mapping[str, Any], root: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, about in _deref(schema, root).get("properties", {}).items():
        yield f"{prefix}{name}"
        if not prefix:
            yield from _names(about, root, f"{name}\0")


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A record inside a record becomes columns of its own: `first` · `cell`."""
    found: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping) and not prefix:
            found |= _flat(_place(value), f"{name}\0")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _place(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A cell with its value: its address says the sheet and the row already."""
    if record.get("cell") is None or "value" not in record:
        return record
    sheet = record.get("sheet")
    is_named = sheet is not None and not _says_nothing("sheet", sheet)
    return {"cell": f"{sheet}!{record['cell']}" if is_named else record["cell"], "value": record["value"]}


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
