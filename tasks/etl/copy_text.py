"""Build what COPY reads from whole columns: text for raw rows, Postgres' binary form for charges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.etl.arrow import Array, RecordBatch, pa, pc

NULL = "\\N"


def copy_lines(text: bytes, lines: NDArray[np.int64], keep: NDArray[np.bool_], delimiter: str) -> bytes:
    """Lines of the file as they stand, each behind its line number: nothing is taken apart again."""
    if b"\\" in text:
        text = text.replace(b"\\", b"\\\\")
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1
    offsets = np.concatenate(([0], ends)).astype(np.int32)
    records = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(text))
    numbers = pa.array(lines)
    if not keep.all():
        chosen = pa.array(keep)
        records, numbers = records.filter(chosen), numbers.filter(chosen)
    return _joined([pc.cast(numbers, pa.string()), records], delimiter)


def copy_rows(batch: RecordBatch, delimiter: str = "\t") -> bytes:
    """Any columns as COPY text, everything escaped that needs it."""
    columns = [_escaped(column, delimiter) for column in batch.columns]
    columns[-1] = pc.binary_join_element_wise(columns[-1], "\n", "")
    return _joined(columns, delimiter)


def _escaped(column: Array, delimiter: str) -> Array:
    if pa.types.is_binary(column.type):
        texts = [None if value is None else "\\\\x" + value.hex() for value in column.to_pylist()]
        return pc.fill_null(pa.array(texts, pa.string()), NULL)
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    if not pa.types.is_string(column.type):
        return pc.fill_null(pc.cast(column, pa.string()), NULL)
    for character, escape in (("\\", "\\\\"), (delimiter, "\\" + delimiter), ("\n", "\\n"), ("\r", "\\r")):
        if _occurs(column, character):
            column = pc.replace_substring(column, character, escape)
    return pc.fill_null(column, NULL) if column.null_count else column


def _occurs(column: Array, character: str) -> bool:
    data = column.buffers()[2]
    return data is not None and character.encode() in data.to_pybytes()


def _joined(columns: list[Array], delimiter: str) -> bytes:
    """Rows side by side in one buffer: the data of the joined column is what COPY reads."""
    joined = pc.binary_join_element_wise(*columns, delimiter)
    if not len(joined):
        return b""
    return bytes(joined.buffers()[2])
