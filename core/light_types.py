"""`NamedTuple`, `IntEnum` and `Protocol` without `typing`, `enum` and `re`, for one question of one workbook.

Those take a tenth of the time in which a million rows are read and answered. Type checkers see the real ones. Who makes
tuples with these says `from __future__ import annotations`.
"""

from __future__ import annotations

from collections import namedtuple

__all__ = ("TYPE_CHECKING", "IntEnum", "NamedTuple", "Protocol")

TYPE_CHECKING = False

if TYPE_CHECKING:
    from enum import IntEnum
    from typing import NamedTuple, Protocol, Self
else:
    Protocol = object

    class _NamedTuples(type):
        """Makes a tuple of the annotated names, with their defaults, and with the methods."""

        def __new__(cls, name: str, _bases: tuple[type, ...], body: dict[str, object]) -> type:
            fields = body["__annotations__"]
            defaults = [body.pop(field) for field in fields if field in body]
            plain = namedtuple(name, fields, defaults=defaults)  # noqa: PYI024 - the other is what takes time
            return type(name, (plain,), {"__slots__": (), **body})

    NamedTuple = type.__new__(_NamedTuples, "NamedTuple", (), {})

    class IntEnum(int):
        """Numbers with names, each there once."""

        def __init_subclass__(cls) -> None:
            named = {name: value for name, value in vars(cls).items() if type(value) is int and name[0] != "_"}
            cls._members = {value: int.__new__(cls, value) for value in named.values()}
            for name, value in named.items():
                cls._members[value].name = name
                setattr(cls, name, cls._members[value])

        def __new__(cls, value: int) -> Self:
            if value not in cls._members:
                raise ValueError(f"{value!r} is not a valid {cls.__name__}")
            return cls._members[value]

        __str__ = int.__repr__

        def __repr__(self) -> str:
            return f"<{type(self).__name__}.{self.name}: {int(self)}>"
