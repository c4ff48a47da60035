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
_LINE, _CREATED, _PAID, _DIGITS = np.dtype(">i8"), np.dtype(">i8"), np.dtype(">i8"), np.dtype((">i2", 5))

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]


def copy_charges(judged: Judged, chosen: NDArray[np.bool_]) -> Iterator[memoryview]:
    """Rows of line, id, company_id, amount, created_at, updated_at, status; alike ones are made together."""
    ids, id_lengths = _data(judged.short_ids)
    companies, company_lengths = _data(judged.company_ids)
    for rows, lengths in _alike(np.flatnonzero(chosen), id_lengths * LONGEST + company_lengths):
        id_length, company_length = divmod(lengths, LONGEST)
        starts = _starts(judged, rows, ids.of(rows, id_length), companies.of(rows, company_length))
        paid = judged.paid[rows] - MICROS_2000
        for alike, kind in _alike(np.arange(len(rows)), judged.statuses[rows] * 2 + judged.is_paid[rows]):
            status, is_paid = divmod(kind, 2)
            yield _ended(starts[alike], paid[alike] if is_paid else None, _STATUS_BYTES[status])


def _alike(rows: Places, kinds: NDArray[np.integer]) -> Iterator[tuple[Places, int]]:
    """The rows of each kind, and which kind that is."""
    own = kinds[rows]
    present = np.flatnonzero(np.bincount(own)).tolist()
    for kind in present:
        yield (rows if len(present) == 1 else rows[own == kind]), kind


def _starts(judged: Judged, rows: Places, ids: NDArray[np.void], companies: NDArray[np.void]) -> NDArray[np.void]:
    """All but the end of each row, whose width varies with it."""
    fields = [
        ("line", FIELDS.to_bytes(2) + _EIGHT, _LINE),
        ("id", ids.dtype.itemsize.to_bytes(4), ids.dtype),
        ("company_id", companies.dtype.itemsize.to_bytes(4), companies.dtype),
        ("amount", _NUMERIC, _DIGITS),
        ("created_at", _EIGHT, _CREATED),
    ]
    table = _rows(len(rows), fields)
    table["line"] = judged.records.column("line").to_numpy(zero_copy_only=False)[rows]
    table["id"] = ids
    table["company_id"] = companies
    whole, cents = np.divmod(judged.cents[rows], 100)
    digits = table["amount"]
    for position in (3, 2, 1, 0):
        whole, digits[:, position] = np.divmod(whole, 10_000)
    digits[:, 4] = cents * 100
    table["created_at"] = judged.created[rows] - MICROS_2000
    return table.view(_void(table.dtype.itemsize))


def _ended(starts: NDArray[np.void], paid: NDArray[np.int64] | None, status: bytes) -> memoryview:
    if paid is None:
        table = _rows(len(starts), [("start", b"", starts.dtype)], _NULL + status)
    else:
        table = _rows(len(starts), [("start", b"", starts.dtype), ("paid", _EIGHT, _PAID)], status)
        table["paid"] = paid
    table["start"] = starts
    return table.view(np.uint8).data


def _rows(count: int, fields: list[tuple[str, bytes, np.dtype]], end: bytes = b"") -> NDArray[np.void]:
    """A row after the other; what is the same in all of them, before each field and at the end, is there already."""
    template, offsets = b"", []
    for _, constant, kind in fields:
        template += constant
        offsets.append(len(template))
        template += bytes(kind.itemsize)
    template += end
    row = np.dtype(
        {
            "names": [name for name, *_ in fields],
            "formats": [kind for *_, kind in fields],
            "offsets": offsets,
            "itemsize": len(template),
        }
    )
    return np.full(count, np.frombuffer(template, _void(len(template)))).view(row)


def _void(size: int) -> np.dtype:
    return np.dtype(f"V{size}")


class _Texts:
    """The bytes of a text column, to be taken out row by row in equal lengths."""

    def __init__(self, data: Bytes, offsets: Places) -> None:
        self._data = data
        self._offsets = offsets

    def of(self, rows: Places, length: int) -> NDArray[np.void]:
        # A view of every stretch of that length: rows are copied as wholes, not byte by byte.
        stretches = sliding_window_view(self._data, length)[self._offsets[rows]]
        return stretches.view(_void(length))[:, 0]


def _data(texts: Array) -> tuple[_Texts, Places]:
    buffers = texts.buffers()
    offsets = np.frombuffer(buffers[1], np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    data = np.frombuffer(buffers[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    return _Texts(data, offsets - offsets[0]), np.diff(offsets)
