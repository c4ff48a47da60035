"""Frozen dataclasses from JSON objects: known members converted by their types, unknown ones left out."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

_PARSERS: dict[Any, Callable[[Any], Any]] = {
    float: float,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    Decimal: lambda v: Decimal(str(v)),
}


def shape(cls: type[T], document: dict[str, Any]) -> T:
    """An instance of dataclass `cls`; a member that is missing takes the field's default, or None where that fits."""
    values: dict[str, Any] = {}
    for name, (annotation, has_default) in _plan(cast("Any", cls)).items():
        if name in document:
            values[name] = _converted(annotation, document[name])
        elif not has_default:
            if type(None) not in get_args(annotation):
                raise ValueError(f"{cls.__name__} needs {name!r}, and the answer has none")
            values[name] = None
    return cls(**values)


@cache
def _plan(cls: Any) -> dict[str, tuple[Any, bool]]:
    hints = get_type_hints(cls)
    return {
        field.name: (hints[field.name], field.default is not MISSING or field.default_factory is not MISSING)
        for field in fields(cls)
        if field.init and not field.name.startswith("_")
    }


def _converted(annotation: Any, value: Any) -> Any:
    if value is None:
        return None
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return _converted(_best(arguments, value), value)
    if origin in (list, tuple):
        return origin(_converted(arguments[0], item) for item in value)
    if origin is dict:
        return {key: _converted(arguments[1], item) for key, item in value.items()}
    return _plain(annotation, value)


def _plain(annotation: Any, value: Any) -> Any:
    if is_dataclass(annotation):
        return shape(cast("type[Any]", annotation), value)
    if annotation in _PARSERS:
        return _PARSERS[annotation](value)
    return annotation(value) if isinstance(annotation, type) and issubclass(annotation, Enum) else value


def _best(choices: tuple[Any, ...], value: Any) -> Any:
    """The member of a union that the value is already of, else the first that is not None."""
    wanted = [choice for choice in choices if choice is not type(None)]
    return next((choice for choice in wanted if isinstance(choice, type) and isinstance(value, choice)), wanted[0])
