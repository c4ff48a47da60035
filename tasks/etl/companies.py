"""What a file says about its companies: which names an id has, how often, and what may be repaired from that."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tasks.etl.arrow import Array, DictionaryArray, pa, pc
from tasks.etl.fields import ID_LENGTH, NAME_LENGTH, is_masked, trimmed
from tasks.etl.reasons import Note, Reason

CACHE_KIB = 32 * 1024
REMEMBERED = 100_000
ROWS_AT_ONCE = 20_000

_TABLE = """
CREATE TABLE pairs (id TEXT, name TEXT, rows INTEGER, first INTEGER, PRIMARY KEY (id, name)) WITHOUT ROWID
"""
_ADD = """
INSERT INTO pairs VALUES (?, ?, ?, ?)
ON CONFLICT (id, name) DO UPDATE SET rows = rows + excluded.rows, first = min(first, excluded.first)
"""
_CANONICAL = "SELECT name FROM pairs WHERE id = ? AND name <> '' ORDER BY rows DESC, first LIMIT 1"
_OWNERS = "SELECT DISTINCT id FROM pairs WHERE name = ?"
_PREFIX_OWNER = """
SELECT id FROM pairs WHERE id >= ?1 AND id < ?1 || char(1114111) GROUP BY id ORDER BY sum(rows) DESC, min(first)
LIMIT 1
"""


@dataclass(frozen=True)
class Company:
    """What is known about the company of a row: its id for the ledger, or the reasons why there is none."""

    full_id: str
    name: str
    reasons: int = 0
    notes: int = 0

    @property
    def id(self) -> str:
        return self.full_id[:ID_LENGTH]


class CompanyDirectory:
    """Counts the pairs of id and name of a file, then says for each pair which company is meant.

    The pairs live in a SQLite file with a small cache: ten million companies take disk, not memory.
    """

    def __init__(self, path: Path | str = "", *, repair: bool = True) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{CACHE_KIB}", "temp_store=FILE"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(_TABLE)
        self._repair = repair
        self._known: dict[tuple[str | None, str | None], Company] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def add(self, company_ids: Array, names: Array, lines: NDArray[np.int64]) -> None:
        """Count the pairs of one batch; rows without a usable id tell nothing."""
        pairs = Pairs.of(company_ids, names)
        rows = np.bincount(pairs.codes, minlength=len(pairs.distinct))
        first = np.full(len(pairs.distinct), np.iinfo(np.int64).max)
        np.minimum.at(first, pairs.codes, lines)
        counted = [
            (company_id, trimmed(name), int(rows[index]), int(first[index]))
            for index, (raw_id, name) in enumerate(pairs.distinct)
            if (company_id := trimmed(raw_id)) and not is_masked(company_id)
        ]
        self._db.execute("BEGIN")
        self._db.executemany(_ADD, counted)
        self._db.execute("COMMIT")

    def close_counting(self) -> None:
        """All rows were added: names can be looked up from now on."""
        self._db.execute("CREATE INDEX names ON pairs (name)")

    def company(self, company_id: str | None, name: str | None) -> Company:
        """Which company a row means that says this id and this name."""
        known = self._known.get((company_id, name))
        if known is None:
            known = self._resolve(trimmed(company_id), trimmed(name))
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[company_id, name] = known
        return known

    def _resolve(self, company_id: str, name: str) -> Company:
        if company_id and not is_masked(company_id):
            return self._by_id(company_id, name, notes=0)
        bare = Reason.COMPANY_ID_MASKED.bit if company_id else Reason.COMPANY_ID_MISSING.bit
        if not name:
            return Company("", "", bare | Reason.COMPANY_NAME_MISSING.bit)
        owners = list(itertools.islice(self._owners(name), 2)) if self._repair else []
        if not owners:
            return Company("", name, bare)
        if len(owners) > 1:
            return Company("", name, Reason.COMPANY_AMBIGUOUS.bit)
        return self._by_id(owners[0], name, notes=Note.COMPANY_ID_REPAIRED.bit)

    def _owners(self, name: str) -> Iterator[str]:
        """The companies of this name; an id that collides with a more frequent one is none."""
        return (row[0] for row in self._db.execute(_OWNERS, (name,)) if self._owns_its_prefix(row[0]))

    def _owns_its_prefix(self, company_id: str) -> bool:
        return bool(self._db.execute(_PREFIX_OWNER, (company_id[:ID_LENGTH],)).fetchone()[0] == company_id)

    def _by_id(self, company_id: str, name: str, *, notes: int) -> Company:
        found = self._db.execute(_CANONICAL, (company_id,)).fetchone()
        canonical = found[0] if found else ""
        reasons = 0
        if not canonical or not (name or self._repair):
            reasons |= Reason.COMPANY_NAME_MISSING.bit
        elif name != canonical and self._repair:
            notes |= Note.COMPANY_NAME_REPAIRED.bit
        elif name != canonical:
            reasons |= Reason.COMPANY_NAME_DIFFERS.bit
        if len(canonical) > NAME_LENGTH:
            reasons |= Reason.COMPANY_NAME_TOO_LONG.bit
        if not self._owns_its_prefix(company_id):
            reasons |= Reason.COMPANY_ID_COLLISION.bit
        return Company(company_id, canonical, reasons, notes)

    def companies(self) -> Iterator[list[Company]]:
        """All companies that rows could be charged to, in pieces, each once."""
        cursor = self._db.cursor().execute("SELECT DISTINCT id FROM pairs ORDER BY id")
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            found = (self._by_id(row[0], "", notes=0) for row in rows)
            # Asked without a name, a company is unusable only by what is wrong with itself.
            wrong = Reason.COMPANY_ID_COLLISION.bit | Reason.COMPANY_NAME_TOO_LONG.bit
            yield [company for company in found if company.name and not company.reasons & wrong]


@dataclass(frozen=True)
class Pairs:
    """The distinct pairs of two text columns, and for each row which pair it has."""

    distinct: list[tuple[str | None, str | None]]
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, left: Array, right: Array) -> Self:
        left, right = _encoded(left), _encoded(right)
        lefts, rights = [*left.dictionary.to_pylist(), None], [*right.dictionary.to_pylist(), None]
        combined = _codes(left, len(lefts) - 1) * len(rights) + _codes(right, len(rights) - 1)
        present, codes = _unique(combined, len(lefts) * len(rights))
        distinct = [(lefts[pair // len(rights)], rights[pair % len(rights)]) for pair in present.tolist()]
        return cls(distinct, codes)


def _unique(combined: NDArray[np.int64], possible: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Like np.unique with inverse, by counting instead of sorting while the pairs are few."""
    if possible > 4 * len(combined) + 1000:
        present, codes = np.unique(combined, return_inverse=True)
        return present, codes
    seen = np.zeros(possible, bool)
    seen[combined] = True
    present = np.flatnonzero(seen)
    position = np.cumsum(seen) - 1
    return present, position[combined]


def _encoded(texts: Array) -> DictionaryArray:
    return texts if pa.types.is_dictionary(texts.type) else pc.dictionary_encode(texts)


def _codes(encoded: DictionaryArray, null_code: int) -> NDArray[np.int64]:
    indices = pc.fill_null(pc.cast(encoded.indices, pa.int64()), null_code)
    return np.asarray(indices.to_numpy(zero_copy_only=False))
