"""Cells from plain texts, as CSV files and text columns give them: numbers where the text is one."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.workbook.cells import CellKind, CellsBuilder, CellValue, number_value
from core.workbook.vector_decimals import PADDING, Places, parse_spans

EMPTY = 255
THOUSANDS, GROUPED_FROM, GROUPED_BELOW = 3, 1_000, 1_000_000  # 1.000 to 999.999
FRONT = b"\0" * 24  # the vectors look back before the first text


def text_value(text: str) -> CellValue | None:
    """A number if the whole text is one, nothing if it is blank."""
    if not text.strip():
        return None
    return number_value(text) or CellValue(CellKind.TEXT, text=text)


def add_texts(builder: CellsBuilder, rows: Places, texts: Sequence[str], *, keep_thousands: bool = False) -> None:
    """Understand a block of texts at once; what is no plain number is looked at one by one.

    With `keep_thousands` 1.500 stays 1500 at three decimals, which tells it from 1.5: elsewhere it is fifteen hundred.
    """
    if not texts:
        return
    array = pa.array(texts, pa.large_string())
    _, places, data = array.buffers()
    offsets = np.frombuffer(memoryview(places or b""), np.int64)[: len(texts) + 1]
    buffer = b"".join((FRONT, data.to_pybytes() if data is not None else b"", PADDING))
    starts, ends = offsets[:-1] + len(FRONT), offsets[1:] + len(FRONT)
    numbers = parse_spans(buffer, starts, ends)
    kinds = np.full(len(texts), CellKind.NUMBER, np.uint8)
    mantissas, exponents = numbers.mantissas.copy(), numbers.exponents.copy()
    for place in np.flatnonzero(~numbers.good).tolist():
        value = text_value(buffer[starts[place] : ends[place]].decode())
        kinds[place], mantissas[place], exponents[place] = (EMPTY, 0, 0) if value is None else builder.encode(value)
    if keep_thousands:
        _keep_thousands(np.frombuffer(buffer, np.uint8), ends, kinds, mantissas, exponents)
    keep = kinds != EMPTY
    builder.add_block(rows[keep], kinds[keep], mantissas[keep], exponents[keep])


def _keep_thousands(
    letters: npt.NDArray[np.uint8],
    ends: Places,
    kinds: npt.NDArray[np.uint8],
    mantissas: Places,
    exponents: npt.NDArray[np.int8],
) -> None:
    """Put back the zeros of numbers that look like `1.500`: one to three digits, a point, and three more."""
    small = np.flatnonzero((kinds == CellKind.NUMBER) & (np.abs(mantissas) < GROUPED_BELOW) & (exponents >= -THOUSANDS))
    last = ends[small] - 1
    while (blank := letters[last] == ord(" ")).any():
        last = last - blank
    tail = letters[last[:, np.newaxis] - np.arange(THOUSANDS, -1, -1)]
    behind = (tail[:, 1:] >= ord("0")) & (tail[:, 1:] <= ord("9"))
    places = small[(tail[:, 0] == ord(".")) & behind.all(axis=1)]
    thousands = mantissas[places] * 10 ** (exponents[places].astype(np.int64) + THOUSANDS)
    fits = (np.abs(thousands) >= GROUPED_FROM) & (np.abs(thousands) < GROUPED_BELOW)
    mantissas[places[fits]], exponents[places[fits]] = thousands[fits], -THOUSANDS
