"""Charges in the binary form of COPY: numbers and times that Postgres only has to take over, not to parse."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tasks.etl.arrow import Array
from tasks.etl.judge import Judged
from tasks.etl.statuses import STATUSES

START = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
MICROS_2000 = 946_684_800_000_000  # Postgres counts from the year 2000
FIELDS = 7
LONGEST = 128  # of a short id in bytes: 24 characters of at most four

_STATUS_BYTES = [len(name).to_bytes(4) + name.encode() for name in STATUSES]
_NULL = b"\xff\xff\xff\xff"
_EIGHT = (8).to_bytes(4)
_NUMERIC = (18).to_bytes(4) + b"".join(part.to_bytes(2) for part in (5, 3, 0, 2))  # digits, weight, sign, scale

Bytes = NDArray[np.uint8]


def copy_charges(judged: Judged, chosen: NDArray[np.bool_]) -> Iterator[bytes]:
    """Rows of line, id, company_id, amount, status, created_at, updated_at; alike ones are made together."""
    if not chosen.any():
        return
    ids, id_lengths = _data(judged.short_ids)
    companies, company_lengths = _data(judged.company_ids)
    shape = ((id_lengths * LONGEST + company_lengths) * len(STATUSES) + judged.statuses) * 2 + judged.is_paid
    fixed = _Fixed(judged)
    shape[~chosen] = -1
    for kind in np.unique(shape).tolist():
        if kind < 0:
            continue
        rows = np.flatnonzero(shape == kind)
        first = rows[0]
        parts: list[Bytes | bytes] = [
            fixed.head[rows],
            int(id_lengths[first]).to_bytes(4),
            ids.of(rows, int(id_lengths[first])),
            int(company_lengths[first]).to_bytes(4),
            companies.of(rows, int(company_lengths[first])),
            fixed.amounts[rows],
            _STATUS_BYTES[judged.statuses[first]],
            fixed.created[rows],
            fixed.paid[rows] if judged.is_paid[first] else _NULL,
        ]
        yield _rows(len(rows), parts)


def _rows(count: int, parts: list[Bytes | bytes]) -> bytes:
    """Columns of bytes side by side; a constant is repeated in every row."""
    widths = [len(part) if isinstance(part, bytes) else part.shape[1] for part in parts]
    table = np.empty((count, sum(widths)), np.uint8)
    position = 0
    for part, width in zip(parts, widths, strict=True):
        table[:, position : position + width] = np.frombuffer(part, np.uint8) if isinstance(part, bytes) else part
        position += width
    return table.tobytes()


class _Fixed:
    """The columns whose width never varies."""

    def __init__(self, judged: Judged) -> None:
        lines = judged.records.column("line").to_numpy(zero_copy_only=False)
        self.head = _beside(FIELDS.to_bytes(2) + _EIGHT, _big_endian(lines))
        self.created = _beside(_EIGHT, _big_endian(judged.created - MICROS_2000))
        self.paid = _beside(_EIGHT, _big_endian(judged.paid - MICROS_2000))
        whole, cents = np.divmod(judged.cents, 100)
        digits = np.empty((len(judged), 5), ">i2")
        for position in (3, 2, 1, 0):
            whole, digits[:, position] = np.divmod(whole, 10_000)
        digits[:, 4] = cents * 100
        self.amounts = _beside(_NUMERIC, digits.view(np.uint8))


def _big_endian(numbers: NDArray[np.int64]) -> Bytes:
    return numbers.astype(">i8").view(np.uint8).reshape(-1, 8)


def _beside(constant: bytes, numbers: Bytes) -> Bytes:
    joined = np.empty((len(numbers), len(constant) + numbers.shape[1]), np.uint8)
    joined[:, : len(constant)] = np.frombuffer(constant, np.uint8)
    joined[:, len(constant) :] = numbers
    return joined


class _Texts:
    """The bytes of a text column, to be taken out row by row in equal lengths."""

    def __init__(self, data: Bytes, offsets: NDArray[np.int64]) -> None:
        self._data = data
        self._offsets = offsets

    def of(self, rows: NDArray[np.int64], length: int) -> Bytes:
        if not length:
            return np.zeros((len(rows), 0), np.uint8)
        # A view of every stretch of that length: rows are copied as wholes, not byte by byte.
        return sliding_window_view(self._data, length)[self._offsets[rows]]


def _data(texts: Array) -> tuple[_Texts, NDArray[np.int64]]:
    buffers = texts.buffers()
    offsets = np.frombuffer(buffers[1], np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    data = np.frombuffer(buffers[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    return _Texts(data, offsets - offsets[0]), np.diff(offsets)
