"""Tuples and numbers with names behave as those of the standard library, whose modules they spare."""

from __future__ import annotations

import copy
import enum
import pickle
import typing

import pytest

from core import light_types
from core.workbook.cells import CellKind
from core.workbook.source import SheetInfo


def tuples(base):
    class Place(base):
        """Where it is."""

        row: int
        column: int = 7

        @property
        def both(self):
            return self.row + self.column

    return Place


def numbers(base):
    class Kind(base):
        FIRST = 0
        SECOND = 5

        @property
        def is_first(self):
            return self is type(self).FIRST

    return Kind


def seen(ask):
    try:
        return ask()
    except (TypeError, ValueError, AttributeError) as error:
        return type(error)


@pytest.mark.parametrize(
    "ask",
    [
        lambda place: place(1),
        lambda place: place(1, 2).both,
        lambda place: place(column=1, row=2)._replace(row=3),
        lambda place: (place._fields, place._field_defaults, place.__doc__, place.__name__),
        lambda place: tuple(place(1)),
        lambda place: place(),
        lambda place: place(1, 2, 3),
        lambda place: place(1, line=2),
        lambda place: setattr(place(1), "row", 2),
        lambda place: setattr(place(1), "other", 2),
        lambda place: repr(place(1)),
    ],
)
def test_a_tuple_is_what_the_standard_one_is(ask):
    assert seen(lambda: ask(tuples(light_types.NamedTuple))) == seen(lambda: ask(tuples(typing.NamedTuple)))


@pytest.mark.parametrize(
    "ask",
    [
        lambda kind: kind(5) is kind.SECOND,
        lambda kind: kind(3),
        lambda kind: (kind.SECOND.name, kind.FIRST.is_first, kind.SECOND.is_first),
        lambda kind: (repr(kind.SECOND), str(kind.SECOND), f"{kind.SECOND}", f"{kind.SECOND:03}"),
        lambda kind: (kind.SECOND + 1, kind.FIRST == 0, {0: "x"}[kind.FIRST], [*range(6)][kind.SECOND]),
        lambda kind: isinstance(kind.FIRST, kind) and isinstance(kind.FIRST, int),
        lambda kind: kind.THIRD,
    ],
)
def test_a_number_with_a_name_is_what_the_standard_one_is(ask):
    assert seen(lambda: ask(numbers(light_types.IntEnum))) == seen(lambda: ask(numbers(enum.IntEnum)))


def test_both_are_the_same_after_a_journey_between_processes():
    for each in (CellKind.TEXT, SheetInfo("One", 0)):
        for again in (pickle.loads(pickle.dumps(each)), copy.deepcopy(each)):
            assert again == each
            assert type(again) is type(each)
    assert pickle.loads(pickle.dumps(CellKind.TEXT)) is CellKind.TEXT
