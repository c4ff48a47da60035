"""Distinct texts of columns, trimmed as the rules trim them, and the distinct pairs of two such columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tasks.etl.arrow import Array, pa, pc
from tasks.etl.fields import BLANKS, MASKED, NOTHING

_NO_ID = rf"^$|\*|^{MASKED}$"


def trimmed_texts(texts: Array) -> Array:
    """`fields.trimmed` of a column; null is the empty text."""
    bare = pc.fill_null(pc.utf8_trim(texts, characters=BLANKS), "")
    # No letter beyond ASCII is the capital of one in these words.
    return pc.if_else(pc.is_in(pc.ascii_lower(bare), value_set=pa.array(sorted(NOTHING))), "", bare)


def are_ids(trimmed: Array) -> NDArray[np.bool_]:
    """Which trimmed texts are ids: neither empty nor masked."""
    return ~np.asarray(pc.match_substring_regex(trimmed, _NO_ID).to_numpy(zero_copy_only=False), bool)


@dataclass(frozen=True)
class Texts:
    """The distinct texts of a column, trimmed, and for each row which it has. Trimming may make two the same."""

    values: Array
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, column: Array) -> Self:
        encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
        values = pa.concat_arrays([encoded.dictionary, pa.array([""])])  # the last is that of null
        indices = pc.fill_null(pc.cast(encoded.indices, pa.int64()), len(values) - 1)
        return cls(trimmed_texts(values), np.asarray(indices.to_numpy(zero_copy_only=False)))

    def only(self, rows: NDArray[np.int64] | slice) -> Texts:
        return Texts(self.values, self.codes[rows])


@dataclass(frozen=True)
class Pairs:
    """The distinct pairs of two columns, and for each row which pair it has."""

    left: Array
    right: Array
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, left: Texts, right: Texts) -> Self:
        width = len(right.values)
        present, codes = unique(left.codes * width + right.codes, len(left.values) * width)
        lefts, rights = np.divmod(present, width)
        return cls(left.values.take(pa.array(lefts)), right.values.take(pa.array(rights)), codes)

    def __len__(self) -> int:
        return len(self.left)


def unique(combined: NDArray[np.int64], possible: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Like np.unique with inverse, by counting instead of sorting while the pairs are few."""
    if possible > 4 * len(combined) + 1000:
        present, codes = np.unique(combined, return_inverse=True)
        return present, codes
    seen = np.zeros(possible, bool)
    seen[combined] = True
    present = np.flatnonzero(seen)
    position = np.cumsum(seen) - 1
    return present, position[combined]
