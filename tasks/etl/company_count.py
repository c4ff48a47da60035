"""Count which names a file gives to each company id, and decide, in memory that hardly grows with the companies."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.etl.arrow import Array, Table, pa, pc
from tasks.etl.fields import ID_LENGTH, NAME_LENGTH
from tasks.etl.hashing import LookOut, hashes, shortened
from tasks.etl.pairs import Pairs, Texts, are_ids

PAIRS_AT_ONCE = 100_000
PARTS = 256  # with a hundred million companies each part has as many as are held at once
COUNTED = pa.schema([("id", pa.string()), ("name", pa.string()), ("rows", pa.int64()), ("first", pa.int64())])
# Companies that nobody contests are only written down; what may need a closer look can be asked for.
TABLES = """
CREATE TABLE sole (companies BLOB);
CREATE TABLE contested (id TEXT, name TEXT, owns_prefix INTEGER);
CREATE TABLE owners (name TEXT, id TEXT);
"""
INDEXES = """
CREATE INDEX contested_ids ON contested (id, name, owns_prefix);
CREATE INDEX owners_names ON owners (name, id);
"""
_NEVER = 2**63 - 1  # a line that no file has


class CompanyCount:
    """Takes the companies of a file in, batch by batch, then writes down what is to be known of them.

    A company is sole when all its rows say the same name and no other id begins with the same 24 characters. Most are,
    and for them that is all; the others are decided one by one, in parts that are told apart by those characters.
    """

    def __init__(self, folder: Path) -> None:
        self._kept = _Parts(folder)
        self._pairs: Table = COUNTED.empty_table()
        self._new: list[Table] = []
        self._size = 0
        self._asked = LookOut()
        self.contested = LookOut()

    def close(self) -> None:
        self._kept.close()

    def add(self, company_ids: Array, names: Array, lines: NDArray[np.int64]) -> None:
        """Count the pairs of one batch; rows without a usable id only ask whose name theirs is."""
        pairs = Pairs.of(Texts.of(company_ids), Texts.of(names))
        first = np.full(len(pairs), _NEVER)
        np.minimum.at(first, pairs.codes, lines)
        rows = np.bincount(pairs.codes, minlength=len(pairs))
        counted = pa.table([pairs.left, pairs.right, pa.array(rows), pa.array(first)], schema=COUNTED)
        usable = are_ids(pairs.left)
        if not usable.all():
            names = pairs.right.filter(pa.array(~usable))
            self._asked.add(names.filter(pc.not_equal(names, "")))
            counted = counted.filter(pa.array(usable))
        self._new.append(counted)
        self._size += len(counted)
        if self._size > PAIRS_AT_ONCE:
            self._merge()

    def _merge(self) -> None:
        self._pairs = _counted([self._pairs, *self._new])
        self._new.clear()
        if len(self._pairs) > PAIRS_AT_ONCE // 2:
            self._kept.put(self._pairs)
            self._pairs = COUNTED.empty_table()
        self._size = len(self._pairs)

    def decide(self, db: sqlite3.Connection) -> Iterator[None]:
        """Write it down, part by part."""
        self._merge()
        if not self._kept:
            self._decide(db, self._pairs)
            return
        self._kept.put(self._pairs)
        for part in self._kept.taken():
            self._decide(db, _counted(part))
            yield

    def _decide(self, db: sqlite3.Connection, pairs: Table) -> None:
        prefixes = shortened(pairs["id"].combine_chunks())
        codes = pc.dictionary_encode(prefixes).indices.to_numpy(zero_copy_only=False)
        is_alone = np.bincount(codes)[codes] == 1 if len(codes) else np.zeros(0, bool)
        is_sole = pa.array(is_alone & _are_names(pairs["name"]))
        sole, rivals = pairs.filter(is_sole), pairs.filter(pc.invert(is_sole)).sort_by("id")
        _keep_sole(db, sole)
        decided = list(_decided(zip(*(rivals[name].to_pylist() for name in COUNTED.names), strict=True)))
        db.executemany("INSERT INTO contested VALUES (?, ?, ?)", decided)
        self.contested.add(rivals["id"].combine_chunks())
        if not self._asked.is_empty:
            owning = pa.array([company_id for company_id, _, owns_prefix in decided if owns_prefix], pa.string())
            owners = pa.concat_tables([sole, rivals.filter(pc.is_in(rivals["id"], value_set=owning))])
            self._keep_owners(db, owners)

    def _keep_owners(self, db: sqlite3.Connection, pairs: Table) -> None:
        """Who has the names that rows without an id have."""
        asked = pairs.filter(pa.array(self._asked.may_have(pairs["name"].combine_chunks())))
        db.executemany(
            "INSERT INTO owners VALUES (?, ?)", zip(asked["name"].to_pylist(), asked["id"].to_pylist(), strict=True)
        )


def _keep_sole(db: sqlite3.Connection, sole: Table) -> None:
    if len(sole):
        db.execute("INSERT INTO sole VALUES (?)", (_packed(sole.select(["id", "name"])),))


def _packed(table: Table) -> memoryview:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def _are_names(texts: Array) -> NDArray[np.bool_]:
    lengths = pc.utf8_length(texts).to_numpy()
    return np.asarray((lengths > 0) & (lengths <= NAME_LENGTH))


def _counted(tables: list[Table]) -> Table:
    """The same pairs as one."""
    grouped = pa.concat_tables(tables).group_by(["id", "name"], use_threads=False)
    counted = grouped.aggregate([("rows", "sum"), ("first", "min")])
    return counted.select(["id", "name", "rows_sum", "first_min"]).rename_columns(COUNTED.names).combine_chunks()


class _Parts:
    """Counted pairs in a scratch file, apart by what their ids begin with: rivals are in the same part."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with us
        self._places: list[list[tuple[int, int]]] = [[] for _ in range(PARTS)]

    def __bool__(self) -> bool:
        return any(self._places)

    def close(self) -> None:
        self._file.close()

    def put(self, pairs: Table) -> None:
        parts = hashes(shortened(pairs["id"].combine_chunks())) % np.uint64(PARTS)
        order = np.argsort(parts, kind="stable")
        pairs = pairs.take(pa.array(order))
        ends = np.searchsorted(parts[order], np.arange(PARTS), "right")
        start = 0
        for places, end in zip(self._places, ends.tolist(), strict=True):
            if end > start:
                places.append((self._file.tell(), self._file.write(_packed(pairs.slice(start, end - start)))))
            start = end

    def taken(self) -> Iterator[list[Table]]:
        """Each part, piece by piece."""
        for places in self._places:
            pieces = []
            for place, size in places:
                self._file.seek(place)
                pieces.append(pa.ipc.open_stream(self._file.read(size)).read_all())
            if pieces:
                yield pieces


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
    for company in _companies(pairs):
        if best is None or best.id[:ID_LENGTH] != company.id[:ID_LENGTH]:
            if best is not None:
                yield best.id, best.name, True
            best = company
            continue
        best, loser = (best, company) if best.rank <= company.rank else (company, best)
        yield loser.id, loser.name, False
    if best is not None:
        yield best.id, best.name, True


def _companies(pairs: Iterable[tuple[str, str, int, int]]) -> Iterator[_Counted]:
    for company_id, same in itertools.groupby(pairs, itemgetter(0)):
        total, earliest = 0, _NEVER
        canonical, canonical_rank = "", (0, _NEVER)
        for _, name, rows, first in same:
            total += rows
            earliest = min(earliest, first)
            if name and (-rows, first) < canonical_rank:
                canonical, canonical_rank = name, (-rows, first)
        yield _Counted(company_id, canonical, total, earliest)
