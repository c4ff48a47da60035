"""The first pair of a workbook's column, from the file to the answer in one go and natively.

For one question of one file outside the platform. Nothing is loaded that this does not need: numpy alone takes longer
to load than a workbook of a million rows to answer, and `dataclasses` with what it writes for each class as long as a
tenth of that. What is not ordinary is answered by the general way, alike.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from core.light_types import TYPE_CHECKING, NamedTuple
from core.workbook import header
from core.workbook.native_library import Column, NativeLibrary, native_library
from core.workbook.opening import open_now
from core.workbook.source import SheetInfo, Source
from core.workbook.xlsx import XlsxSource
from tasks.two_sum.native_pairs import first_pair

if TYPE_CHECKING:
    from typing import Any

    from core.workbook.archive import StrPath
    from tasks.two_sum.ledger import Spotted

EVERY_SHEET = "*"
FEW_ROWS = 4
MOST_DECIMALS = 18  # of a 64-bit integer


class FirstPair(NamedTuple):
    """How many amounts there are, and the addresses and places of the pair; none if nothing adds up."""

    amounts: int
    cells: tuple[str, str] | None = None
    places: tuple[int, int] | None = None  # among all amounts, from 0


class _Wanted(NamedTuple):
    """What to read of one sheet."""

    sheet: SheetInfo
    column: header.Column
    first_row: int


def first_pair_of(
    path: StrPath, target: int | Decimal, column: str | None = None, sheet: str = EVERY_SHEET
) -> FirstPair:
    """The pair that is complete first; the amounts of several sheets follow one another."""
    library = native_library()
    source = open_now(path)
    try:
        wanted = _wanted(source, column, sheet)
        found = None
        if library is not None and isinstance(source, XlsxSource):
            found = _natively(library, source, wanted, Decimal(target))
        return found or _by_vectors(source, wanted, Decimal(target)) or _generally(path, target, column, sheet)
    finally:
        source.close()


def _wanted(source: Source, column: str | None, sheet: str) -> list[_Wanted]:
    wanted = []
    for each in header.find_sheets(source.sheets, sheet):
        found = _header(source, each, column)
        chosen = found.automatic() if column is None else found.find(column)
        wanted.append(_Wanted(each, chosen, found.first_data_row))
    return wanted


def _header(source: Source, sheet: SheetInfo, column: str | None) -> header.Header:
    """Where the first few rows name the column, more would not change the answer: that saves ten milliseconds."""
    if column is None:
        return header.guess(source.head(sheet))
    found = header.holding(source.head(sheet, FEW_ROWS), column)
    return found if found.names(column) else header.holding(source.head(sheet), column)


def _natively(library: NativeLibrary, source: XlsxSource, wanted: list[_Wanted], target: Decimal) -> FirstPair | None:
    """The amounts of all sheets follow one another in native memory, where they are scaled too."""
    columns, ends = None, [0]
    for each in wanted:
        columns = source.native_columns(each.sheet, [each.column.index], each.first_row, before=columns)
        if columns is None:
            return None
        ends.append(columns.column(0).count)
    if columns is None:
        return None
    column = columns.column(0)
    goal = _scaled(library, column, ends, target)
    if goal is None:
        return None
    rows = [(ctypes.c_int32 * (end - start)).from_address(_at(column.rows, 4 * start)) for start, end in pairwise(ends)]
    return _found(wanted, rows, first_pair(library, _at(column.mantissas), column.count, goal))


def _at(address: int | None, offset: int = 0) -> int:
    return (address or 0) + offset  # there is none where nothing was read


def _found(wanted: list[_Wanted], rows: Sequence[Any], pair: tuple[int, int] | None) -> FirstPair:
    """The places of the pair as addresses; `rows` are those of each sheet's amounts."""
    amounts = sum(map(len, rows))
    if pair is None:
        return FirstPair(amounts)
    cells = []
    for place in pair:
        for each, its_rows in zip(wanted, rows, strict=True):
            if place < len(its_rows):
                cells.append(f"{each.sheet.name}!{each.column.letter}{its_rows[place]}")
                break
            place -= len(its_rows)  # noqa: PLW2901 - the place within the next sheet
    return FirstPair(amounts, (cells[0], cells[1]), pair)


def _scaled(library: NativeLibrary, column: Column, ends: list[int], target: Decimal) -> int | None:
    """Have all amounts at one scale, and the target too; None if they are not all numbers that this can hold."""
    decimals = [
        library.decimals(
            _at(column.rows, 4 * start), _at(column.exponents, start), _at(column.kinds, start), end - start
        )
        for start, end in pairwise(ends)
    ]
    scale = max(*decimals, -int(target.as_tuple().exponent), 0)
    if min(decimals) < 0 or scale > MOST_DECIMALS or abs(target.scaleb(scale)) >= 1 << 60:
        return None
    if not library.scale(column.mantissas, column.exponents, column.count, scale, column.mantissas):
        return None
    return int(target.scaleb(scale))


def _by_vectors(source: Source, wanted: list[_Wanted], target: Decimal) -> FirstPair | None:
    """The same for plain numbers without the native part, or from any other kind of file."""
    # Nothing here multiplies matrices, and the threads for it take 30 ms to start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import numpy as np  # noqa: PLC0415 - see the module

    from tasks.two_sum.entries import SAFE, Entries, Question  # noqa: PLC0415
    from tasks.two_sum.matching import Matcher  # noqa: PLC0415

    cells = [
        source.columns(each.sheet, {each.column.index: False}, each.first_row)[each.column.index] for each in wanted
    ]
    alone = cells[0] if len(cells) == 1 else None  # those of a single sheet stay where they are
    exponents = np.concatenate([each.exponents for each in cells]) if alone is None else alone.exponents
    mantissas = np.concatenate([each.mantissas for each in cells]) if alone is None else alone.mantissas
    scale = max(-int(exponents.min(initial=0)), -int(target.as_tuple().exponent), 0)
    largest = max(int(mantissas.max(initial=0)), -int(mantissas.min(initial=0)), abs(int(target) + 1))
    in_order = all(bool(np.all(each.rows[:-1] <= each.rows[1:])) for each in cells)
    if not in_order or largest * 10**scale >= SAFE or any(each.kinds.any() for each in cells):
        return None
    values = mantissas.copy() if scale and not mantissas.flags.writeable else mantissas
    for exponent in range(1 - scale, 1):
        np.multiply(values, 10 ** (scale + exponent), out=values, where=exponents == exponent)
    pair = Matcher(Question(int(target.scaleb(scale))), Entries(values)).first()
    return _found(wanted, [each.rows for each in cells], pair)


def _generally(path: StrPath, target: int | Decimal, column: str | None, sheet: str) -> FirstPair:
    from pathlib import Path  # noqa: PLC0415 - see the module

    from tasks.two_sum.answering import answer  # noqa: PLC0415
    from tasks.two_sum.contract import Mode, TwoSumParams  # noqa: PLC0415
    from tasks.two_sum.keys import KeyBook  # noqa: PLC0415
    from tasks.two_sum.ledger import read_ledger  # noqa: PLC0415

    params = TwoSumParams(filepath=Path(path).name, target=target, column=column, sheet=sheet, mode=Mode.FIRST)
    source = open_now(path)
    try:
        ledger = read_ledger(source, params, KeyBook())
    finally:
        source.close()
    outcome = answer(params, [target], ledger)
    if not outcome.listed:
        return FirstPair(len(ledger))
    places = int(outcome.left[0]), int(outcome.right[0])
    spots = [ledger.spot(place) for place in places]
    return FirstPair(len(ledger), (_address(spots[0]), _address(spots[1])), places)


def _address(spot: Spotted) -> str:
    return f"{spot.sheet}!{spot.cell}"
