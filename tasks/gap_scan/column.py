"""Understand the cells of a column as numbers of a series, and say of each other cell why it is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from core.workbook.cells import CellKind, Cells, CellValue
from tasks.gap_scan.mask import KNOWN, Mask, plain_mask

LARGEST = 10**18
MOST_BREAKERS = 100_000

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Breaker:
    """A cell that is no number of the series."""

    row: int
    value: str
    reason: str


@dataclass(frozen=True)
class Label:
    """One thing that groups numbers: a name, and for each number which of its values."""

    name: str
    codes: Numbers
    values: Sequence[str]


@dataclass(frozen=True)
class Understood:
    """The numbers of a column with their rows, what groups them, and the cells that broke the rules."""

    rows: Numbers
    numbers: Numbers
    labels: tuple[Label, ...]
    breakers: tuple[Breaker, ...]
    breaker_count: int


def understand(cells: Cells, mask: Mask | None) -> Understood:
    """Whole numbers, or what a mask finds; numbers stored as numbers only fit a mask that is digits alone."""
    numeric = (cells.kinds == CellKind.NUMBER) & (cells.exponents == 0)
    if mask is None:
        numeric &= (cells.mantissas <= LARGEST) & (cells.mantissas >= -LARGEST)
        if bool(numeric.all()):
            return Understood(cells.rows, cells.mantissas, (), (), 0)
    textual = cells.kinds == CellKind.TEXT
    fits, numbers = np.zeros(len(cells), np.bool_), np.zeros(len(cells), np.int64)
    candidates: list[str] = list(cells.texts) if bool(textual.any()) else []
    places = np.where(textual, cells.mantissas, 0)
    if mask is None:
        fits[numeric], numbers[numeric] = True, cells.mantissas[numeric]
    elif takes_digits_alone(mask):
        # A sheet stores 000123 as the number 123: as wide as the mask again, it is read like a text.
        width = mask.width if mask.is_number_alone else 0
        stored = [str(number).zfill(width) for number in cells.mantissas[numeric].tolist()]
        places[numeric] = np.arange(len(candidates), len(candidates) + len(stored))
        candidates += stored
        textual = textual | numeric
    read = (mask or plain_mask()).read(candidates)
    fits[textual] = read.fits[places[textual]]
    numbers[textual] = np.where(fits[textual], read.numbers[places[textual]], 0)
    if mask is None:
        numbers[numeric] = cells.mantissas[numeric]
    labels = tuple(_label(name, values, places[fits]) for name, values in read.labels.items())
    broken = np.flatnonzero(~fits)
    breakers = tuple(_breaker(cells, place, mask) for place in broken[:MOST_BREAKERS].tolist())
    return Understood(cells.rows[fits], numbers[fits], labels, breakers, len(broken))


def takes_digits_alone(mask: Mask) -> bool:
    """Whether a text of the mask may be nothing but digits, so that a sheet may have stored it as a number."""
    return all(kind == "number" or (kind == "name" and text in KNOWN) or text.isdecimal() for kind, text in mask.parts)


def label_of(name: str, cells: Cells, rows: Numbers) -> Label:
    """What another column says in those rows; nothing where its cell is empty."""
    values: list[str] = [""]
    known: dict[str, int] = {"": 0}
    if not len(cells):
        return Label(name, np.zeros(len(rows), np.int64), values)
    facts = np.stack((cells.kinds.astype(np.int64), cells.mantissas, cells.exponents.astype(np.int64)))
    distinct, which = np.unique(facts, axis=1, return_inverse=True)
    codes = np.zeros(distinct.shape[1], np.int64)
    for place, (kind, mantissa, exponent) in enumerate(distinct.T.tolist()):
        text = _shown(cells, kind, mantissa, exponent).strip()
        codes[place] = known.setdefault(text, len(known))
    values = list(known)
    near = np.minimum(np.searchsorted(cells.rows, rows), len(cells) - 1)
    return Label(name, np.where(cells.rows[near] == rows, codes[which.ravel()][near], 0), values)


def _label(name: str, values: Any, places: Numbers) -> Label:
    encoded = values.dictionary_encode()
    codes = np.asarray(pc.fill_null(encoded.indices, 0)).astype(np.int64)
    return Label(name, codes[places] if len(codes) else np.empty(0, np.int64), encoded.dictionary.to_pylist())


def _breaker(cells: Cells, place: int, mask: Mask | None) -> Breaker:
    kind, exponent = CellKind(int(cells.kinds[place])), int(cells.exponents[place])
    shown = _shown(cells, kind, int(cells.mantissas[place]), exponent)
    match kind:
        case CellKind.NO_VALUE:
            reason = "a formula without a saved result"
        case CellKind.ERROR:
            reason = "an error value"
        case CellKind.BOOLEAN:
            reason = "true or false, no number"
        case _ if mask is not None:
            reason = "does not fit the mask"
        case CellKind.NUMBER if exponent < 0:
            reason = "not a whole number"
        case CellKind.NUMBER | CellKind.BIG:
            reason = "beyond 10 to the 18"
        case _:
            reason = "not a number"
    return Breaker(int(cells.rows[place]), shown[:200], reason)


def _shown(cells: Cells, kind: int, mantissa: int, exponent: int) -> str:
    has_text = kind in {CellKind.TEXT, CellKind.BIG, CellKind.ERROR}
    return CellValue(CellKind(kind), mantissa, exponent, cells.texts[mantissa] if has_text else "").shown()
