"""Find out how a transaction file is written: its encoding, delimiter, and where the seven columns stand."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from core.errors import InvalidInputError, UnreadableFileError
from tasks.etl.fields import COLUMNS

DELIMITERS = (",", ";", "\t", "|", ":", "^", "~")
GUARD_COLUMN = "reckoner_line"  # the files we write have it: there, a leading apostrophe guards against formulas
RARELY_BY_CHANCE = 10
LONGEST_HEADER = 1 << 20
MOST_COMPARED, LONGEST_COMPARED = 100, 100  # comparing takes long where names do
BETWEEN_WORDS = re.compile(r"[ \u00a0-]+")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True)
class Header:
    """Where each of the seven columns stands among the file's columns."""

    names: tuple[str, ...]
    positions: tuple[int, ...]

    @property
    def is_plain(self) -> bool:
        return self.positions == tuple(range(len(self.names)))

    @property
    def is_guarded(self) -> bool:
        return GUARD_COLUMN in self.names

    @property
    def unused(self) -> tuple[str, ...]:
        return tuple(name for index, name in enumerate(self.names) if index not in self.positions)


def header_of(names: Sequence[str], mapping: Mapping[Any, str], *, line: int = 1) -> Header:
    """Match the file's column names with ours; a missing or doubled one is a clear error."""
    cleaned = tuple(_clean(name) for name in names)
    positions = []
    missing = []
    for column in COLUMNS:
        wanted = _clean(mapping.get(column, column))
        if cleaned.count(wanted) > 1:
            raise InvalidInputError(f"line {line}: the column {wanted!r} comes more than once", line=line)
        if wanted in cleaned:
            positions.append(cleaned.index(wanted))
        else:
            missing.append(wanted)
    if missing:
        raise InvalidInputError(
            f"line {line}: no column {', '.join(missing)}; the file has {', '.join(cleaned)[:500] or 'none'}."
            f" Name other columns with `mapping`{_nearest(missing, cleaned)}.",
            line=line,
            missing=missing,
            columns=list(cleaned)[:100],
        )
    return Header(cleaned, tuple(positions))


def _nearest(missing: Sequence[str], names: Sequence[str]) -> str:
    """The mapping that a slip of the pen asks for, if there is one."""
    others = [name for name in names[:MOST_COMPARED] if name not in COLUMNS and len(name) < LONGEST_COMPARED]
    near = {name: found[0] for name in missing if (found := get_close_matches(name, others, n=1))}
    return f", perhaps {json.dumps(near, ensure_ascii=False)}" if near else ""


def _clean(name: str) -> str:
    """`Created At` and `created-at` are created_at."""
    return BETWEEN_WORDS.sub("_", name.strip(' \t\r\n"\ufeff').lower())


def encoding_of(sample: bytes) -> tuple[str, int]:
    """The encoding of a file that begins with `sample`, and how many bytes its mark takes."""
    for mark, encoding in _BOMS:
        if sample.startswith(mark):
            return encoding, len(mark)
    if len(sample) > 1 and len(sample) < 4 * sample.count(0):  # plain text in UTF-16 is half NULs
        return ("utf-16-le" if sample[1] == 0 else "utf-16-be"), 0
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        text = sample.decode("utf-8", "surrogateescape")
        bad = sum("\udc80" <= char <= "\udcff" for char in text)
        good = sum(char > "\x7f" for char in text) - bad
        # Letters of another encoding make a sound UTF-8 sequence by chance very seldom.
        return ("utf-8" if RARELY_BY_CHANCE * good > bad else "cp1252"), 0
    return "utf-8", 0


def delimiter_of(header_line: str, mapping: Mapping[Any, str]) -> str:
    """The delimiter under which the header shows most of the columns that are wanted."""
    wanted = {_clean(mapping.get(column, column)) for column in COLUMNS}

    def found(delimiter: str) -> int:
        return len(wanted & {_clean(name) for name in split_line(header_line, delimiter)})

    return max(DELIMITERS, key=found)


def split_line(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise UnreadableFileError(f"line 1: the header cannot be read: {error}", line=1) from error
