"""A form for any kind of work, made from the JSON Schema of its params: a new kind needs no page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from api.console.typed_values import Control, as_text, read_value
from api.console.wording import label, meaning

_MOST_SHOWN = 8  # a longer form keeps what is seldom needed folded away
# What people come for stands first, whatever the order in the schema.
_FIRST = ("file", "sheet", "column", "nums", "target", "mode", "words")
_TEXTS = {"date": Control.DATE, "date-time": Control.MOMENT}
_PLAIN = {"boolean": Control.YES_NO, "object": Control.GROUP}


@dataclass(frozen=True)
class Field:
    """One control, or a group of them."""

    path: str  # `against.column`
    label: str
    control: Control
    help: str = ""
    is_required: bool = False
    is_nullable: bool = False
    choices: tuple[str, ...] = ()
    value: str = ""
    error: str = ""
    default: Any = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    inner: tuple[Field, ...] = ()

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def id(self) -> str:
        return "field-" + self.path.replace(".", "-")

    @property
    def asks_for_column(self) -> bool:
        return self.name == "column" or self.name.endswith("_column")

    @property
    def has_errors(self) -> bool:
        return bool(self.error) or any(part.has_errors for part in self.inner)

    @property
    def is_filled(self) -> bool:
        """Whether somebody has put something else than the default here."""
        return any(part.is_filled for part in self.inner) or self.value != as_text(self.control, self.default)


@dataclass(frozen=True)
class Form:
    """A kind's fields: those in sight, and those folded away."""

    main: tuple[Field, ...]
    more: tuple[Field, ...]
    general: tuple[str, ...] = ()  # errors that belong to no field

    @property
    def more_is_open(self) -> bool:
        return any(part.has_errors or part.is_filled for part in self.more)


def form_of(
    schema: Mapping[str, Any],
    params: Mapping[str, Any] | None = None,
    problems: list[dict[str, Any]] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Form:
    """The form, filled with params or with what somebody typed, and with what was wrong beside each field.

    Only what was typed counts for a field that is in it; others hold their params or defaults.
    """
    errors = _by_path(problems or [])
    fields = [_filled(each, params, typed, errors) for each in _fields(schema, schema, "")]
    known = {path for each in fields for path in _paths(each)}
    general = tuple(f"{path}: {text}" if path else text for path, text in errors.items() if not _nearest(path, known))
    main = [each for each in fields if each.is_required or each.name in _FIRST]
    if len(fields) <= _MOST_SHOWN:
        main = list(fields)
    main.sort(key=lambda each: _FIRST.index(each.name) if each.name in _FIRST else len(_FIRST))
    more = tuple(each for each in fields if each not in main)
    return Form(tuple(main), more, general)


def params_from(schema: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, Any]:
    """What was typed, as params; fields left empty are left out, so that the kind's own defaults apply."""
    return _read(_fields(schema, schema, ""), typed)


def _read(fields: Iterator[Field] | tuple[Field, ...], typed: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in fields:
        if each.inner:
            part = _read(each.inner, typed)
            if part or each.is_required:
                found[each.name] = part
            continue
        text = typed.get(each.path)
        if text is None:
            continue
        text = text.replace("\r\n", "\n")  # as browsers send the lines of a textarea
        value = read_value(each.control, text, of_numbers=each.schema.get("of_numbers", False))
        # What equals the default was not asked for: kinds tell the two apart.
        if value is not None and (each.is_required or text.strip() != as_text(each.control, each.default).strip()):
            found[each.name] = value
    return found


def _fields(schema: Mapping[str, Any], root: Mapping[str, Any], prefix: str) -> Iterator[Field]:
    required = set(schema.get("required", ()))
    for name, raw in schema.get("properties", {}).items():
        part, is_nullable = _resolved(raw, root)
        path = f"{prefix}{name}"
        control = _control(name, part, root)
        inner: tuple[Field, ...] = ()
        if control is Control.GROUP:
            inner = tuple(_fields(part, root, f"{path}."))
        yield Field(
            path=path,
            label=label(name),
            control=control,
            help="" if control is Control.FILE else str(raw.get("description") or ""),
            is_required=name in required and control is not Control.YES_NO,
            is_nullable=is_nullable or name not in required,
            choices=tuple(str(choice) for choice in _choices(part, root)),
            default=raw.get("default", part.get("default")),
            schema={"of_numbers": control is Control.LINES and _is_number(part.get("items", {}), root)},
            inner=inner,
        )


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Without references and without the `or null` of optional fields."""
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return _resolved(target, root)
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return _resolved(schema["allOf"][0], root)
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        real = [option for option in options if option.get("type") != "null"]
        if len(real) == 1:
            found, _ = _resolved(real[0], root)
            return found, len(real) < len(options)
        return {**schema, "anyOf": real}, len(real) < len(options)
    return schema, False


def _control(name: str, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Control:
    if name == "file" or _choices(schema, root):
        return Control.FILE if name == "file" else Control.CHOICE
    if _is_number(schema, root):
        return Control.NUMBER
    kind = schema.get("type")
    if kind == "string":
        return _TEXTS.get(schema.get("format", ""), Control.TEXT)
    if kind == "array":
        return _list_control(schema, root)
    if kind == "object" and not schema.get("properties"):
        return Control.JSON
    return _PLAIN.get(kind or "", Control.JSON if not _is_word_or_place(schema) else Control.WORD_OR_NUMBER)


def _list_control(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Control:
    items, _ = _resolved(schema.get("items", {}), root)
    is_plain = items.get("type") in {"string", "integer", "number"} or _is_number(items, root)
    return Control.LINES if is_plain else Control.JSON


def _is_word_or_place(schema: Mapping[str, Any]) -> bool:
    """Such as a sheet: its name, or its place."""
    options = {option.get("type") for option in schema.get("anyOf", ())}
    return bool(options) and options <= {"string", "integer"}


def _is_number(schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    part, _ = _resolved(schema, root)
    if part.get("type") in {"integer", "number"}:
        return True
    options = [_resolved(option, root)[0] for option in part.get("anyOf", ())]
    # An exact decimal is a number, or text of digits; a sheet is a name, or its place.
    return any(option.get("type") == "number" for option in options)


def _choices(schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[Any]:
    part, _ = _resolved(schema, root)
    if "const" in part:
        return [part["const"]]
    return list(part.get("enum", ()))


def _by_path(problems: list[dict[str, Any]]) -> dict[str, str]:
    """One text a field; an entry of a list is named by its place."""
    found: dict[str, str] = {}
    for problem in problems:
        parts = [part for part in problem["loc"] if part != "params"]
        names = [part for part in parts if isinstance(part, str) and part.isidentifier()]
        places = [part for part in parts if isinstance(part, int)]
        text = meaning(problem)
        found.setdefault(".".join(names), f"entry {places[0] + 1}: {text}" if places else text)
    return found


def _paths(each: Field) -> Iterator[str]:
    yield each.path
    for part in each.inner:
        yield from _paths(part)


def _nearest(path: str, known: set[str]) -> str:
    """The field an error belongs to: pydantic's paths may go deeper than the form."""
    while path and path not in known:
        path = path.rpartition(".")[0]
    return path


def _filled(
    each: Field, params: Mapping[str, Any] | None, typed: Mapping[str, str] | None, errors: Mapping[str, str]
) -> Field:
    inner_params = params.get(each.name) if params is not None else None
    if each.inner:
        inside = inner_params if isinstance(inner_params, Mapping) else ({} if params is not None else None)
        inner = tuple(_filled(part, inside, typed, errors) for part in each.inner)
        return replace(each, inner=inner, error=errors.get(each.path, ""))
    if typed is not None and each.path in typed:
        value = typed[each.path]
    elif params is not None and each.name in params:
        value = as_text(each.control, inner_params)
    else:
        value = as_text(each.control, each.default)
    error = next((text for path, text in errors.items() if path and _nearest(path, {each.path})), "")
    return replace(each, value=value, error=error)
