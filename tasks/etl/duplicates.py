"""Ids that come more than once in a file, found in bounded memory and judged exactly, in the file's order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from tasks.etl.arrow import Array, pa, pc
from tasks.etl.fields import BLANKS, ID_LENGTH
from tasks.etl.reasons import Reason

HASHES_AT_ONCE = 12_000_000  # 96 MB, and as much again while they are sorted
_MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
_SHIFT = np.uint64(29)


def short_ids(texts: Array) -> Array:
    return pc.utf8_slice_codeunits(pc.fill_null(pc.utf8_trim(texts, characters=BLANKS), ""), 0, ID_LENGTH)


def hashes(ids: Array) -> NDArray[np.uint64]:
    """A 64-bit number for each short id. Two ids may share one: it only says where to look closer."""
    lengths = pc.binary_length(ids).to_numpy(zero_copy_only=False)
    if lengths.size and lengths.max() > ID_LENGTH:
        long = lengths > ID_LENGTH
        mixed = np.zeros(len(ids), np.uint64)
        mixed[~long] = hashes(ids.filter(pa.array(~long)))
        mixed[long] = [_hash(text) for text in ids.filter(pa.array(long)).to_pylist()]
        return mixed
    if lengths.size and lengths.min() < ID_LENGTH:
        ids = pc.ascii_rpad(ids, ID_LENGTH, "\0")
        lengths = pc.binary_length(ids).to_numpy(zero_copy_only=False)
    start = np.frombuffer(ids.buffers()[1], np.int32)[ids.offset] if len(ids) else 0
    data = np.frombuffer(ids.buffers()[2] or b"", np.uint8)[start : start + ID_LENGTH * len(ids)]
    words = data.copy().view(np.uint64).reshape(-1, 3)
    mixed = np.zeros(len(ids), np.uint64)
    for position in range(3):
        mixed = (mixed ^ words[:, position]) * _MULTIPLIERS[position]
        mixed ^= mixed >> _SHIFT
    return mixed


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def repeated_hashes(read_ids: Callable[[], Iterable[Array]], rows: int) -> NDArray[np.uint64]:
    """The hashes that several rows share, sorted. Reads the ids once per twelve million rows, not into memory."""
    parts = max(1, -(-rows // HASHES_AT_ONCE))
    found = [_repeated_of_part(read_ids(), part, parts) for part in range(parts)]
    return np.sort(np.concatenate(found))


def _repeated_of_part(id_batches: Iterable[Array], part: int, parts: int) -> NDArray[np.uint64]:
    kept = []
    for texts in id_batches:
        numbers = hashes(short_ids(texts))
        kept.append(numbers if parts == 1 else numbers[numbers % np.uint64(parts) == part])
    numbers = np.concatenate(kept) if kept else np.zeros(0, np.uint64)
    kept.clear()
    numbers.sort()
    again = numbers[1:][numbers[1:] == numbers[:-1]]
    return np.unique(again)


def is_among(numbers: NDArray[np.uint64], sorted_few: NDArray[np.uint64]) -> NDArray[np.bool_]:
    if not len(sorted_few):
        return np.zeros(len(numbers), bool)
    positions = np.minimum(np.searchsorted(sorted_few, numbers), len(sorted_few) - 1)
    return np.asarray(sorted_few[positions] == numbers)


def duplicate_reasons(lines: NDArray[np.int64], ids: list[str], reasons: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """For rows that may share ids: the first sound row of a short id takes it, later ones are told so."""
    added = np.zeros(len(ids), np.uint32)
    owners: dict[str, str] = {}
    for index in np.argsort(lines, kind="stable").tolist():
        full = ids[index]
        if not full:
            continue
        owner = owners.get(full[:ID_LENGTH])
        if owner is not None:
            added[index] = (Reason.ID_DUPLICATE if owner == full else Reason.ID_COLLISION).bit
        elif reasons[index] == 0:
            owners[full[:ID_LENGTH]] = full
    return added
