"""What a file says about its companies: which names an id has, how often, and what may be repaired from that."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tasks.etl.arrow import Array, DictionaryArray, pa, pc
from tasks.etl.fields import ID_LENGTH, NAME_LENGTH, is_masked, trimmed
from tasks.etl.reasons import Note, Reason

CACHE_KIB = 32 * 1024
REMEMBERED = 20_000
ROWS_AT_ONCE = 20_000

# What each batch saw is only noted down, and sorted once when all is there: keeping a key while ten million companies
# come in random order would read and write a page of it for every one of them.
_SEEN = "CREATE TABLE seen (id TEXT, name TEXT, rows INTEGER, first INTEGER)"
_SORTED = "SELECT id, name, sum(rows), min(first) FROM seen GROUP BY id, name ORDER BY id"
_COMPANIES = "CREATE TABLE companies (id TEXT PRIMARY KEY, name TEXT, owns_prefix INTEGER) WITHOUT ROWID"
# Of a whole batch in one question, in the order in which they lie: one at a time, asking was half of the work for a
# file in which every row is a company of its own.
_ASKED = "WITH asked AS (SELECT value AS id FROM json_each(?) ORDER BY 1) SELECT * FROM asked JOIN companies USING (id)"
# An id that collides with a more frequent one is no company that a name could mean.
_OWNERS = """
SELECT DISTINCT seen.id FROM seen JOIN companies USING (id) WHERE seen.name = ? AND owns_prefix LIMIT 2
"""
_USABLE = "SELECT id, name FROM companies WHERE name <> '' AND owns_prefix AND length(name) <= ? ORDER BY id"
_NEVER = 2**63 - 1  # a line that no file has

_Facts = dict[str, tuple[str, bool]]


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
        self._db.execute(_SEEN)
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
        first = np.full(len(pairs.distinct), _NEVER)
        np.minimum.at(first, pairs.codes, lines)
        counted = [
            (company_id, trimmed(name), int(rows[index]), int(first[index]))
            for index, (raw_id, name) in enumerate(pairs.distinct)
            if (company_id := trimmed(raw_id)) and not is_masked(company_id)
        ]
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO seen VALUES (?, ?, ?, ?)", counted)
        self._db.execute("COMMIT")

    def close_counting(self) -> None:
        """All rows were added: from now on companies can be asked for."""
        self._db.execute(_COMPANIES)
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO companies VALUES (?, ?, ?)", _decided(self._db.cursor().execute(_SORTED)))
        self._db.execute("COMMIT")
        if self._repair:
            self._db.execute("CREATE INDEX names ON seen (name)")

    def meant(self, pairs: Sequence[tuple[str | None, str | None]]) -> list[Company]:
        """Which company each row means that says such an id and name."""
        known = self._known
        new = [pair for pair in pairs if pair not in known]
        ids = {bare for company_id, _ in new if (bare := trimmed(company_id)) and not is_masked(bare)}
        facts = self._facts(ids)
        resolved = {(said, name): self._resolve(trimmed(said), trimmed(name), facts) for said, name in new}
        companies = [known.get(pair) or resolved[pair] for pair in pairs]
        # Replaced, never emptied: another batch may be reading it.
        self._known = resolved if len(known) + len(resolved) > REMEMBERED else {**known, **resolved}
        return companies

    def _facts(self, ids: Iterable[str]) -> _Facts:
        """Name and ownership of the prefix, of those that a sound row of the file has."""
        rows = self._db.execute(_ASKED, (json.dumps(sorted(ids)),))
        return {company_id: (name, bool(owns_prefix)) for company_id, name, owns_prefix in rows}

    def _resolve(self, company_id: str, name: str, facts: _Facts) -> Company:
        if company_id and not is_masked(company_id):
            return self._by_id(company_id, name, facts, notes=0)
        bare = Reason.COMPANY_ID_MASKED.bit if company_id else Reason.COMPANY_ID_MISSING.bit
        if not name:
            return Company("", "", bare | Reason.COMPANY_NAME_MISSING.bit)
        owners = self._db.execute(_OWNERS, (name,)).fetchall() if self._repair else []
        if not owners:
            return Company("", name, bare)
        if len(owners) > 1:
            return Company("", name, Reason.COMPANY_AMBIGUOUS.bit)
        owner = owners[0][0]
        return self._by_id(owner, name, self._facts([owner]), notes=Note.COMPANY_ID_REPAIRED.bit)

    def _by_id(self, company_id: str, name: str, facts: _Facts, *, notes: int) -> Company:
        # Only records that could not be read as one know ids that no sound row has; they are rejected for that alone.
        canonical, owns_prefix = facts.get(company_id, ("", True))
        reasons = 0
        if not canonical or not (name or self._repair):
            reasons |= Reason.COMPANY_NAME_MISSING.bit
        elif name != canonical and self._repair:
            notes |= Note.COMPANY_NAME_REPAIRED.bit
        elif name != canonical:
            reasons |= Reason.COMPANY_NAME_DIFFERS.bit
        if len(canonical) > NAME_LENGTH:
            reasons |= Reason.COMPANY_NAME_TOO_LONG.bit
        if not owns_prefix:
            reasons |= Reason.COMPANY_ID_COLLISION.bit
        return Company(company_id, canonical, reasons, notes)

    def companies(self) -> Iterator[list[Company]]:
        """All companies that rows could be charged to, in pieces, each once."""
        cursor = self._db.cursor().execute(_USABLE, (NAME_LENGTH,))
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield [Company(*row) for row in rows]


@dataclass(frozen=True)
class _Counted:
    """A company as the file has it."""

    id: str
    name: str  # the one it has most often
    rows: int
    first: int

    @property
    def rank(self) -> tuple[int, int]:
        return -self.rows, self.first


def _decided(pairs: Iterable[tuple[str, str, int, int]]) -> Iterator[tuple[str, str, bool]]:
    """Each company, and whether its first 24 characters are its own. Of any number of rivals only one is held."""
    best: _Counted | None = None
    for company in _counted(pairs):
        if best is None or best.id[:ID_LENGTH] != company.id[:ID_LENGTH]:
            if best is not None:
                yield best.id, best.name, True
            best = company
            continue
        best, loser = (best, company) if best.rank <= company.rank else (company, best)
        yield loser.id, loser.name, False
    if best is not None:
        yield best.id, best.name, True


def _counted(pairs: Iterable[tuple[str, str, int, int]]) -> Iterator[_Counted]:
    for company_id, same in itertools.groupby(pairs, itemgetter(0)):
        total, earliest = 0, _NEVER
        canonical, canonical_rank = "", (0, _NEVER)
        for _, name, rows, first in same:
            total += rows
            earliest = min(earliest, first)
            if name and (-rows, first) < canonical_rank:
                canonical, canonical_rank = name, (-rows, first)
        yield _Counted(company_id, canonical, total, earliest)


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
