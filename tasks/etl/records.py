"""Records of a text file as Arrow batches, with the bytes that COPY takes, made side by side on both cores."""

from __future__ import annotations

import codecs
import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInputError, UnreadableFileError
from core.formula_guard import RISKY
from core.kept_memory import keep_freed_blocks
from core.workbook import gzipped, limits
from tasks.etl.arrow import Array, InvalidRow, RecordBatch, pa, pa_csv, pc
from tasks.etl.copy_text import copy_lines, copy_rows
from tasks.etl.dialect import LONGEST_HEADER, Header, delimiter_of, encoding_of, header_of, split_line
from tasks.etl.fields import COLUMNS
from tasks.etl.lines import Block, BlockCutter, OddRecord
from tasks.etl.reasons import Reason

PIECE_BYTES = 3 * 1024**2
THREADS = 2
# Inflated as it is read, a file may have any size; only how much it grows tells a bomb.
UNPACKED = limits.DEFAULT._replace(max_part_bytes=1 << 50)
SCHEMA = pa.schema(
    [
        ("line", pa.int64()),
        *((column, pa.string()) for column in COLUMNS),
        ("problem", pa.string()),  # why the record could not be read as one
        ("record", pa.binary()),  # its own bytes, where text columns cannot say them
    ]
)
_GUARDED = f"^'({RISKY[1:]})"


@dataclass(frozen=True)
class Records:
    """Some records of one stretch of the file, and the same as COPY input: plain ones, and those with a problem."""

    batch: RecordBatch
    plain: bytes
    odd: bytes
    bytes_read: int

    @property
    def last_line(self) -> int:
        return int(pc.max(self.batch.column("line")).as_py() or 0)


def batch_of(columns: Mapping[str, Array]) -> RecordBatch:
    """A batch with the schema of records; columns that are not given are null."""
    size = len(columns["line"])
    return pa.RecordBatch.from_arrays(
        [columns[name.name] if name.name in columns else pa.nulls(size, name.type) for name in SCHEMA],
        schema=SCHEMA,
    )


class TextFile:
    """A delimited text file of any usual encoding, delimiter and record end, plain or gzipped."""

    def __init__(
        self,
        stream: BinaryIO,
        *,
        mapping: Mapping[Any, str] | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
    ) -> None:
        self._stream = stream
        self._pieces = _utf8_pieces(_inflated(stream), encoding)
        head, self.first_line = self._header_line()
        mapping = mapping or {}
        mark = delimiter or delimiter_of(head, mapping)
        self.header = header_of(split_line(head, mark), mapping, line=self.first_line - 1)
        self.delimiter = mark

    def _header_line(self) -> tuple[str, int]:
        """The first line that is not blank, and the number of the line after it."""
        text = b""
        for piece in self._pieces:
            text += piece
            start = len(text) - len(text.lstrip(b" \t\r\n"))
            end = text.find(b"\n", start)
            if end >= 0 or len(text) > LONGEST_HEADER:
                break
        bare = text.lstrip(b" \t\r\n")
        if not bare:
            raise InvalidInputError("the file is empty: expected a header with " + ", ".join(COLUMNS))
        start = len(text) - len(bare)
        end = text.find(b"\n", start)
        head = text[start:end] if end >= 0 else bare
        if len(head) > LONGEST_HEADER:
            raise UnreadableFileError(f"line 1: the header is longer than {LONGEST_HEADER} bytes", line=1)
        if end >= 0:
            self._pieces = itertools.chain([text[end + 1 :]], self._pieces)
        return head.decode("utf-8", "replace").rstrip("\r"), text.count(b"\n", 0, start) + 2

    def records(self) -> Iterator[Records]:
        """Yield the records in the file's order; blocks are parsed on both cores, few at a time."""
        keep_freed_blocks(2 * PIECE_BYTES)
        parse = BlockParser(self.header, self.delimiter).parse
        with ThreadPoolExecutor(THREADS, "parse") as pool:
            waiting: deque[Future[Records]] = deque()
            for block in self._blocks():
                waiting.append(pool.submit(parse, block, self._stream.tell()))
                while len(waiting) > THREADS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _blocks(self) -> Iterator[Block]:
        cutter = BlockCutter(self.delimiter, len(self.header.names), first_line=self.first_line)
        for piece in self._pieces:
            yield from cutter.cut(piece)
        yield from cutter.cut(b"", is_last=True)


class BlockParser:
    """Turns blocks of text into records."""

    def __init__(self, header: Header, delimiter: str) -> None:
        self._header = header
        self._delimiter = delimiter
        self._width = len(header.names)

    def parse(self, block: Block, bytes_read: int) -> Records:
        table, sound, misfits = self._table(block)
        columns = {"line": pa.array(block.lines[sound])}
        for name, position in zip(COLUMNS, self._header.positions, strict=True):
            columns[name] = self._unguarded(table[position])
        batch = batch_of(columns)
        odd = self._odd_batch([*block.odd, *misfits])
        if self._header.is_plain and not block.is_quoted and not self._header.is_guarded:
            plain = copy_lines(block.text, block.lines, sound, self._delimiter)
        else:
            plain = copy_rows(batch.select(range(8)), self._delimiter)
        if odd is not None:
            # Behind the plain lines rather than between them: sorting would move every row for the sake of a few.
            both = pa.Table.from_batches([batch, odd]).combine_chunks().to_batches()[0]
            return Records(both, plain, copy_rows(odd, self._delimiter), bytes_read)
        return Records(batch, plain, b"", bytes_read)

    def _table(self, block: Block) -> tuple[list[Array], NDArray[np.bool_], list[OddRecord]]:
        """The columns of the lines with the right number of fields, which those are, and the other lines."""
        misfits: list[OddRecord] = []
        sound = np.ones(len(block.lines), bool)

        def misfit(row: InvalidRow) -> str:
            sound[row.number - 1] = False
            if row.text:
                misfits.append(self._misfit(int(block.lines[row.number - 1]), row))
            return "skip"

        if not block.text:
            return [pa.array([], pa.string())] * self._width, sound, []
        names = [str(position) for position in range(self._width)]
        table = pa_csv.read_csv(
            pa.BufferReader(block.text),
            pa_csv.ReadOptions(use_threads=False, block_size=len(block.text) + 64, column_names=names),
            pa_csv.ParseOptions(
                delimiter=self._delimiter,
                quote_char='"' if block.is_quoted else False,
                ignore_empty_lines=False,
                invalid_row_handler=misfit,
            ),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
        return [_whole(table.column(position)) for position in range(self._width)], sound, misfits

    def _misfit(self, line: int, row: InvalidRow) -> OddRecord:
        few = row.actual_columns < self._width
        fields = tuple(split_line(row.text, self._delimiter))
        return OddRecord(line, fields, Reason.TOO_FEW_FIELDS if few else Reason.TOO_MANY_FIELDS, row.text.encode())

    def _unguarded(self, texts: Array) -> Array:
        if not self._header.is_guarded:
            return texts
        return pc.replace_substring_regex(texts, _GUARDED, r"\1")

    def _odd_batch(self, records: list[OddRecord]) -> RecordBatch | None:
        if not records:
            return None
        records = [self._counted(record) for record in records]
        columns = {"line": pa.array([record.line for record in records], pa.int64())}
        for name, position in zip(COLUMNS, self._header.positions, strict=True):
            texts = [r.fields[position] if position < len(r.fields) else None for r in records]
            columns[name] = self._unguarded(pa.array(texts, pa.string()))
        columns["problem"] = pa.array([record.problem for record in records], pa.string())
        columns["record"] = pa.array([record.verbatim for record in records], pa.binary())
        return batch_of(columns)

    def _counted(self, record: OddRecord) -> OddRecord:
        """A quoted record can have too few or too many fields as well."""
        if record.problem or len(record.fields) == self._width:
            return record
        few = len(record.fields) < self._width
        verbatim = self._delimiter.join(record.fields).encode()
        return OddRecord(record.line, record.fields, Reason.TOO_FEW_FIELDS if few else Reason.TOO_MANY_FIELDS, verbatim)


def _whole(column: Array) -> Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [column.combine_chunks()])


def _inflated(stream: BinaryIO) -> BinaryIO:
    magic = stream.read(len(gzipped.MAGIC))
    stream.seek(0)
    return gzipped.inflating(stream, UNPACKED) if magic == gzipped.MAGIC else stream


def _raw_pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(PIECE_BYTES):
        yield piece


def _utf8_pieces(stream: BinaryIO, encoding: str | None) -> Iterator[bytes]:
    """The file as UTF-8. Bytes that are no text in its encoding stay foreign, for the reader to find."""
    pieces = _raw_pieces(stream)
    first = next(pieces, b"")
    found, mark = encoding_of(first)
    encoding = encoding or found
    pieces = itertools.chain([first[mark:]], pieces)
    if codecs.lookup(encoding).name != "utf-8":
        pieces = _transcoded(pieces, encoding)
    first = next(pieces, b"")
    pieces = itertools.chain([first], pieces)
    if b"\r" in first and b"\n" not in first:  # the record end of an old Macintosh
        return (piece.replace(b"\r", b"\n") for piece in pieces)
    return pieces


def _transcoded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    errors = "surrogatepass" if "16" in encoding or "32" in encoding else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    try:
        for piece in pieces:
            yield decoder.decode(piece).encode("utf-8", errors)
        yield decoder.decode(b"", final=True).encode("utf-8", errors)
    except UnicodeError as error:
        raise UnreadableFileError(f"the file is not {encoding}: {error}", encoding=encoding) from error
