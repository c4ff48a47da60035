"""Command-line options from a kind's JSON Schema, and its params from what was given: a new kind needs no code here.

A number, text, date, choice or switch is an option; a list is an option given several times (numbers also with commas
between); an object's members are options with a dot (`--against.file`); whatever else is JSON. Each also takes
`@FILE` for JSON from a file.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from .exact import dumps, loads

_FILE_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_A_FILE = "A file of this machine, which is uploaded, or the id of one that was."
_SCALARS = {"string", "integer", "number", "boolean"}


class Json(click.ParamType[Any]):
    """JSON, or @FILE with JSON in it."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return loads(text_of(value))
        except (OSError, ValueError) as error:
            self.fail(f"{value!r} is not JSON: {error}", param, ctx)


class Number(click.ParamType["int | Decimal | str"]):
    """A number with all its digits; where the schema takes text as well, what is no number, or is quoted, is text."""

    def __init__(self, *, or_text: bool = False) -> None:
        self._or_text = or_text
        self.name = "number|text" if or_text else "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | Decimal | str:
        text = str(value).strip()
        if self._or_text and len(text) > 1 and text[0] == text[-1] == '"':
            return text[1:-1]  # a sheet that is called "2024"
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("nan")
        if number.is_finite():
            return int(text) if re.fullmatch(r"[+-]?\d+", text) else number
        if not self._or_text:
            self.fail(f"{value!r} is not a number", param, ctx)
        return text


def text_of(value: str) -> str:
    """The text itself, or with @FILE what is in the file; `@-` is standard input."""
    if not value.startswith("@"):
        return value
    return sys.stdin.read() if value == "@-" else Path(value[1:]).read_text(encoding="utf-8")


class Listed(click.ParamType[list[Any]]):
    """One or more items of a list: an item, items with commas between where commas are safe, or a JSON array."""

    def __init__(self, item: click.ParamType[Any], *, commas: bool) -> None:
        self._item = item
        self._commas = commas
        self.name = item.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Any]:
        if value.startswith(("[", "@")):
            found = Json().convert(value, param, ctx)
            return found if isinstance(found, list) else [found]
        pieces = [piece for piece in value.split(",") if piece.strip()] if self._commas else [value]
        return [self._item.convert(piece, param, ctx) for piece in pieces]


class FileParam(click.ParamType[Any]):
    """A file of this machine, which is uploaded, or the id of one that was."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | Path:
        if _FILE_ID.fullmatch(value):
            return str(value)
        path = Path(value)
        if not path.is_file():
            self.fail(f"{value!r} is neither a file here nor the id of an uploaded one", param, ctx)
        return path


@dataclass(frozen=True)
class Field:
    """One member of the params: where it sits, what it is called on the command line, what it takes."""

    path: tuple[str, ...]
    schema: Mapping[str, Any]
    required: bool

    @property
    def flag(self) -> str:
        return ".".join(self.path).replace("_", "-")

    @property
    def variable(self) -> str:
        return "param_" + "__".join(self.path)


def fields_of(schema: Mapping[str, Any]) -> Iterator[Field]:
    """The members of a params schema, those of objects inside it one level deep."""
    for name, found, required in _members(schema, schema):
        inner = list(_members(found, schema)) if found.get("type") == "object" else []
        if not inner:
            yield Field((name,), found, required)
        for member, below, _ in inner:
            yield Field((name, member), below, required=False)


def option_of(field: Field, taken: set[str]) -> click.Option:
    """The option for a member; a name that every kind's options have already gets `param-` before it."""
    name = f"param-{field.flag}" if field.flag in taken else field.flag
    schema = field.schema
    help_text = _help(field)
    if schema.get("type") == "boolean":
        declared = [f"--{name}/--no-{name}", field.variable]
        return click.Option(declared, default=None, help=help_text)
    if schema.get("type") == "array":
        kind = _scalar(schema.get("items", {}))
        if kind is None:
            return click.Option([f"--{name}", field.variable], type=Json(), help=help_text)
        listed = Listed(kind, commas=_takes_commas(schema))
        return click.Option([f"--{name}", field.variable], type=listed, multiple=True, help=help_text)
    kind = FileParam() if is_file(field) else _scalar(schema)
    return click.Option([f"--{name}", field.variable], type=kind or Json(), help=help_text)


def is_file(field: Field) -> bool:
    return field.path[-1] == "file" or field.schema.get("format") == "file"


def params_from(fields: list[Field], given: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """The params: `base`, with what the options say in its place."""
    params: dict[str, Any] = {name: dict(value) if isinstance(value, dict) else value for name, value in base.items()}
    for field in fields:
        value = given.get(field.variable)
        if value is None or value == ():
            continue
        if isinstance(value, tuple):
            value = [item for part in value for item in part]
        target = params
        for step in field.path[:-1]:
            target = target.setdefault(step, {})
        target[field.path[-1]] = value
    return params


def missing_from(schema: Mapping[str, Any], params: Mapping[str, Any]) -> list[str]:
    return [name for name in schema.get("required", []) if name not in params]


def _members(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    required = set(schema.get("required", []))
    for name, found in schema.get("properties", {}).items():
        yield name, _resolved(found, root), name in required


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without references, and without the null that only says "may be left out"."""
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return _resolved({**target, **{name: part for name, part in schema.items() if name != "$ref"}}, root)
    choices = [_resolved(choice, root) for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    rest = {name: part for name, part in schema.items() if name != "anyOf"}
    if len(choices) == 1:
        return {**choices[0], **rest}
    if choices:
        return {**rest, "anyOf": choices}
    if "items" in schema:
        return {**schema, "items": _resolved(schema["items"], root)}
    return schema


def _scalar(schema: Mapping[str, Any]) -> click.ParamType[Any] | None:
    """The type of a single value, or None where only JSON can say it."""
    if "enum" in schema and all(isinstance(choice, str) for choice in schema["enum"]):
        return click.Choice(schema["enum"])
    types = {choice.get("type") for choice in schema.get("anyOf", [schema])}
    if not types <= _SCALARS:
        return None
    if types & {"number", "integer"}:
        # Numbers are described as "number or text" where decimals are meant; only plain integers refuse text.
        return Number(or_text="string" in types and "number" not in types)
    return click.STRING if types == {"string"} else None


def _takes_commas(schema: Mapping[str, Any]) -> bool:
    """A comma in free text belongs to the text, so only other items may be given with commas between."""
    return _scalar(schema.get("items", {})) not in (None, click.STRING)


def _help(field: Field) -> str:
    schema = field.schema
    said = [_A_FILE if is_file(field) else schema.get("description", "")]
    if field.required:
        said.append("[required]")
    elif schema.get("default") not in (None, "", [], {}):
        said.append(f"[default: {dumps(schema['default'])}]".replace('"', ""))
    if schema.get("type") == "array":
        said.append("[repeat, commas between, or JSON]" if _takes_commas(schema) else "[repeat, or JSON]")
    return " ".join(filter(None, said))
