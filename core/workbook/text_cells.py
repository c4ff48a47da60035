"""Cells from plain texts, as CSV files and text columns give them: numbers where the text is one."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from core.workbook.cells import CellKind, CellsBuilder, CellValue, number_value
from core.workbook.vector_decimals import PADDING, Places, parse_spans

EMPTY = 255
FRONT = b"\0" * 24  # the vectors look back before the first text


def text_value(text: str) -> CellValue | None:
    """A number if the whole text is one, nothing if it is blank."""
    if not text.strip():
        return None
    return number_value(text) or CellValue(CellKind.TEXT, text=text)


def add_texts(builder: CellsBuilder, rows: Places, texts: Sequence[str]) -> None:
    """Understand a block of texts at once; what is no plain number is looked at one by one."""
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
    keep = kinds != EMPTY
    builder.add_block(rows[keep], kinds[keep], mantissas[keep], exponents[keep])
