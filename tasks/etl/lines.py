"""Take a text file apart into plain lines and odd records, so that one bad record costs only itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableFileError
from tasks.etl.arrow import pa
from tasks.etl.reasons import Reason

LONGEST_RECORD = 16 * 1024**2  # a ten-megabyte field is still a record; a file without line ends is not
NEWLINE, RETURN, QUOTE = 10, 13, 34
BIG = 1 << 16
QUOTED_SHARE = 8  # with a quote for every eighth line, the whole block is checked at once

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class OddRecord:
    """A record that is not one plain line: quoted, or with a problem, and then with its own bytes."""

    line: int
    fields: tuple[str, ...]
    problem: Reason | None = None
    verbatim: bytes | None = None


@dataclass(frozen=True)
class Block:
    """Records of the file: one per line in `text`, and the odd ones apart."""

    text: bytes
    lines: Positions  # the line number in the file of each line of `text`
    is_quoted: bool = False
    odd: list[OddRecord] = field(default_factory=list)


class BlockCutter:
    """Cuts text that comes in pieces into blocks of whole records; keeps the rest for the next piece."""

    def __init__(self, delimiter: str, width: int, *, first_line: int) -> None:
        self._delimiter = delimiter.encode()
        self._width = width
        self._line = first_line
        self._rest = b""
        mark = re.escape(self._delimiter)
        # Possessive throughout: a hostile record costs its length, never its square.
        quoted, bare = rb'"(?:[^"]++|"")*+"', rb'(?!")[^\n%b]*+' % mark
        self._field = re.compile(rb"(%b|%b)(?:%b|\n)" % (quoted, bare, mark))
        self._record = re.compile(rb"(?:%b|%b)(?:%b(?:%b|%b))*+\n" % (quoted, bare, mark, quoted, bare))
        self._open = re.compile(rb'(?:(?:%b|%b)%b)*+"(?:[^"]++|"")*+\Z' % (quoted, bare, mark))

    def cut(self, piece: bytes, *, is_last: bool = False) -> Iterator[Block]:
        """Yield the whole records there are by now."""
        text = self._rest + piece
        if is_last and text and not text.endswith(b"\n"):
            text += b"\n"
        size = text.rfind(b"\n") + 1
        self._rest = text[size:]
        if len(self._rest) > LONGEST_RECORD:
            line = self._line + text.count(b"\n")
            raise UnreadableFileError(
                f"line {line}: a record is longer than {LONGEST_RECORD} bytes; is this a text file?", line=line
            )
        if size:
            yield self._block(_without_returns(text[:size]), is_last=is_last)
            if is_last and self._rest:
                yield from self.cut(b"", is_last=True)

    def _block(self, text: bytes, *, is_last: bool) -> Block:
        codes = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(codes == NEWLINE)
        quotes = np.flatnonzero(codes == QUOTE) if b'"' in text else ends[:0]
        is_utf8 = _is_utf8(text)
        starts = np.concatenate((ends[:0], [0], ends[:-1] + 1))
        strange = [code for code in (0, RETURN) if code in text]
        if is_utf8 and not strange and self._is_well_quoted(codes, ends, quotes):
            lines = self._line + np.arange(len(ends))
            self._line += len(ends)
            return _without_empty(Block(text, lines, is_quoted=len(quotes) > 0), starts, ends)
        suspects = [starts.searchsorted(quotes, "right") - 1]
        suspects.extend(starts.searchsorted(np.flatnonzero(codes == code), "right") - 1 for code in strange)
        if not is_utf8:
            suspects.append(np.array([i for i, raw in enumerate(text.split(b"\n")) if not _is_utf8(raw)]))
        return self._by_lines(text, starts, ends, np.unique(np.concatenate(suspects)), is_last=is_last)

    def _is_well_quoted(self, codes: NDArray[np.uint8], ends: Positions, quotes: Positions) -> bool:
        """Whether every quote opens or closes a field and no record runs over a line end; cheap when many do."""
        if not len(quotes):
            return True
        if len(quotes) * QUOTED_SHARE < len(ends) or (quotes.searchsorted(ends) % 2).any():
            return False
        fine = (QUOTE, NEWLINE, self._delimiter[0])
        opening, closing = quotes[::2], quotes[1::2]
        is_opening = np.isin(codes[np.maximum(opening - 1, 0)], fine) | (opening == 0)
        return bool(is_opening.all() and np.isin(codes[closing + 1], fine).all())

    def _by_lines(
        self, text: bytes, starts: Positions, ends: Positions, suspects: Positions, *, is_last: bool
    ) -> Block:
        """Plain lines stay together; lines with quotes, NULs or foreign bytes are taken out one by one."""
        kept = starts != ends
        has_empty = not kept.all()
        odd: list[OddRecord] = []
        pieces: list[bytes] = []
        position, after, count = 0, 0, len(ends)
        for index in suspects.tolist():
            if index < after:
                continue  # belongs to a quoted record that began above
            start = int(starts[index])
            if not is_last and len(text) - start < LONGEST_RECORD and self._open.match(text, start):
                count = index  # what comes next may close it
                break
            record, end = self._odd(text, start, int(ends[index]) + 1, self._line + index)
            after = int(ends.searchsorted(end - 1)) + 1
            odd.append(record)
            kept[index:after] = False
            pieces.append(text[position:start])
            position = end
        size = int(starts[count]) if count < len(ends) else len(text)
        pieces.append(text[position:size])
        self._rest = text[size:] + self._rest
        lines = self._line + np.flatnonzero(kept[:count])
        self._line += count
        plain = b"".join(pieces)
        return Block(_squeezed(plain) if has_empty else plain, lines, odd=odd)

    def _odd(self, text: bytes, start: int, line_end: int, line: int) -> tuple[OddRecord, int]:
        """The record that begins at `start`, and where the next one begins."""
        match = self._record.match(text, start, min(len(text), start + LONGEST_RECORD))
        if match is None:
            return self._bad(line, text[start : line_end - 1], Reason.QUOTE_NOT_CLOSED), line_end
        raw = match.group()[:-1]
        fields = self._fields(match.group())
        if match.end() > line_end and len(fields) != self._width:
            # It ran over line ends and still is no record: the quote that opened it is the fault.
            return self._bad(line, text[start : line_end - 1], Reason.QUOTE_NOT_CLOSED), line_end
        if b"\0" in raw:
            return self._bad(line, raw, Reason.NUL_BYTE, fields), match.end()
        if not _is_utf8(raw):
            return self._bad(line, raw, Reason.BAD_ENCODING, fields), match.end()
        return OddRecord(line, tuple(_text(part) for part in fields)), match.end()

    def _fields(self, record: bytes) -> list[bytes]:
        parts = [match[1] for match in self._field.finditer(record)]
        return [part[1:-1].replace(b'""', b'"') if part.startswith(b'"') else part for part in parts]

    def _bad(self, line: int, raw: bytes, problem: Reason, fields: list[bytes] | None = None) -> OddRecord:
        parts = raw.split(self._delimiter) if fields is None else fields
        return OddRecord(line, tuple(_text(part) for part in parts), problem, raw)


def _text(raw: bytes) -> str:
    """What Postgres can store of it; the record's own bytes are kept beside it when that is not all."""
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def _without_empty(block: Block, starts: Positions, ends: Positions) -> Block:
    """An empty line is no record."""
    kept = starts != ends
    if kept.all():
        return block
    return Block(_squeezed(block.text), block.lines[kept], block.is_quoted)


def _squeezed(text: bytes) -> bytes:
    return re.sub(rb"\n\n+", b"\n", text).lstrip(b"\n")


def _is_utf8(text: bytes) -> bool:
    if text.isascii():
        return True
    if len(text) > BIG:
        return _is_utf8_block(text)
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_utf8_block(text: bytes) -> bool:
    """The same by Arrow's vectors, which let other threads run meanwhile."""
    offsets = pa.py_buffer(np.array([0, len(text)], np.int64))
    try:
        pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(text)]).cast(
            pa.large_string()
        )
    except pa.ArrowInvalid:
        return False
    return True


def _without_returns(text: bytes) -> bytes:
    r"""`\r\n` and `\r\r\n` end a record like `\n`; any other `\r` belongs to a field."""
    if b"\r" not in text:
        return text
    codes = np.frombuffer(text, np.uint8)
    following = codes[np.flatnonzero(codes == RETURN) + 1]
    if ((following == NEWLINE) | (following == RETURN)).all():
        return text.replace(b"\r", b"")
    return re.sub(rb"\r+\n", b"\n", text)
