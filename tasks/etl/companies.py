"""Which company a row means: what may be repaired from the file's other rows, and what is refused."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.etl.arrow import Array, RecordBatch, pa
from tasks.etl.fields import ID_LENGTH, NAME_LENGTH, is_masked
from tasks.etl.hashing import LookOut, shortened
from tasks.etl.pairs import Pairs, Texts, are_ids
from tasks.etl.reasons import Note, Reason

REMEMBERED = 20_000
ROWS_AT_ONCE = 20_000
SCHEMA = pa.schema([("id", pa.string()), ("name", pa.string())])

# Of a whole batch in one question, in the order in which they lie: one at a time, asking was half of the work for a
# file in which every row is a company of its own.
_ASKED = "WITH asked AS (SELECT value AS id FROM json_each(?) ORDER BY 1) SELECT * FROM asked JOIN contested USING (id)"
_OWNERS = "SELECT DISTINCT id FROM owners WHERE name = ? LIMIT 2"
_USABLE = "SELECT id, name FROM contested WHERE name <> '' AND owns_prefix AND length(name) <= ?"

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


@dataclass(frozen=True)
class CompanyColumn:
    """The companies of a batch."""

    ids: Array
    reasons: NDArray[np.uint32]
    notes: NDArray[np.uint8]


class CompanyDirectory:
    """Says for the rows of a file which company each means, from what was counted in the whole of it."""

    def __init__(self, db: sqlite3.Connection, contested: LookOut, *, repair: bool = True) -> None:
        self._db = db
        self._contested = contested
        self._repair = repair
        self._known: dict[tuple[str, str], Company] = {}

    def of(self, company_ids: Array, names: Array) -> CompanyColumn:
        """The company of each row. Where nobody contests it, it is the one that the row says."""
        said, named = Texts.of(company_ids), Texts.of(names)
        is_sole = are_ids(said.values) & ~self._contested.may_have(said.values)
        rows = np.flatnonzero(~is_sole[said.codes]) if is_sole.any() else slice(None)
        pairs = Pairs.of(said.only(rows), named.only(rows))
        meant = self._meant(list(zip(pairs.left.to_pylist(), pairs.right.to_pylist(), strict=True)))
        places = said.codes.copy()
        places[rows] = len(said.values) + pairs.codes
        ids = pa.concat_arrays([said.values, pa.array([company.full_id for company in meant], pa.string())])
        reasons, notes = np.zeros(len(places), np.uint32), np.zeros(len(places), np.uint8)
        reasons[rows] = np.array([company.reasons for company in meant], np.uint32)[pairs.codes]
        notes[rows] = np.array([company.notes for company in meant], np.uint8)[pairs.codes]
        return CompanyColumn(shortened(ids).take(pa.array(places)), reasons, notes)

    def _meant(self, pairs: Sequence[tuple[str, str]]) -> list[Company]:
        known = self._known
        new = [pair for pair in pairs if pair not in known]
        facts = self._facts({company_id for company_id, _ in new if company_id and not is_masked(company_id)})
        resolved = {(company_id, name): self._resolve(company_id, name, facts) for company_id, name in new}
        companies = [known.get(pair) or resolved[pair] for pair in pairs]
        # Replaced, never emptied: another batch may be reading it.
        self._known = resolved if len(known) + len(resolved) > REMEMBERED else {**known, **resolved}
        return companies

    def _facts(self, ids: Iterable[str]) -> _Facts:
        """Name and ownership of the prefix, of those that are contested."""
        rows = self._db.execute(_ASKED, (json.dumps(sorted(ids)),)) if ids else ()
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
        # A company without rivals has the name that is said. Records that could not be read as one may know ids that
        # no sound row has; they are rejected for that alone.
        canonical, owns_prefix = facts.get(company_id, (name, True))
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

    def companies(self) -> Iterator[RecordBatch]:
        """Id and name of all companies that rows could be charged to, in pieces, each once."""
        for (sole,) in self._db.cursor().execute("SELECT companies FROM sole"):
            yield from pa.ipc.open_stream(sole)
        cursor = self._db.cursor().execute(_USABLE, (NAME_LENGTH,))
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            columns = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
