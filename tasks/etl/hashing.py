"""Hashes of texts as whole columns: they never decide anything, they only say where to look closer."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from tasks.etl.arrow import Array, pa, pc
from tasks.etl.fields import ID_LENGTH

MOST = 2_000_000  # hashes that are remembered: 16 MB
_MULTIPLIERS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
_SHIFT = np.uint64(29)

Hashes = NDArray[np.uint64]


def shortened(texts: Array) -> Array:
    return pc.utf8_slice_codeunits(texts, 0, ID_LENGTH)


def hashes(ids: Array) -> Hashes:
    """A 64-bit number for each short text. Two texts may share one."""
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


def is_among(numbers: Hashes, sorted_few: Hashes) -> NDArray[np.bool_]:
    if not len(sorted_few):
        return np.zeros(len(numbers), bool)
    positions = np.minimum(np.searchsorted(sorted_few, numbers), len(sorted_few) - 1)
    return np.asarray(sorted_few[positions] == numbers)


class LookOut:
    """Hashes of the texts to look out for; with too many to remember, any text may be one."""

    def __init__(self, numbers: Hashes | None = None) -> None:
        self._numbers: Hashes = np.zeros(0, np.uint64) if numbers is None else numbers
        self._is_any = False

    def add(self, texts: Array) -> None:
        if len(texts) and not self._is_any:
            self._numbers = np.union1d(self._numbers, hashes(shortened(texts)))
            self._is_any = len(self._numbers) > MOST

    def may_have(self, texts: Array) -> NDArray[np.bool_]:
        """Which of these texts may be one of them; none is missed."""
        return np.ones(len(texts), bool) if self._is_any else is_among(hashes(shortened(texts)), self._numbers)

    @property
    def is_empty(self) -> bool:
        return not self._is_any and not len(self._numbers)

    def to_bytes(self) -> bytes | None:
        return None if self._is_any else self._numbers.tobytes()

    @classmethod
    def from_bytes(cls, raw: bytes | None) -> LookOut:
        found = cls(np.frombuffer(raw or b"", np.uint64))
        found._is_any = raw is None
        return found
