"""A CSV file as a source: encoding and delimiter found out, records numbered as a spreadsheet would."""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from core.errors import UnreadableFileError
from core.workbook.cells import Cells, CellsBuilder
from core.workbook.limits import DEFAULT, Limits
from core.workbook.source import HEAD_ROWS, ONLY_SHEET, Head, HeadCell, SheetInfo, Tick, no_tick
from core.workbook.text_cells import add_texts, text_value
from core.workbook.text_or_not import is_binary

SAMPLE_BYTES = 64 << 10
BLOCK_ROWS = 32_768
DELIMITERS = (",", ";", "\t", "|")
MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


class DelimitedSource:
    """One table of text."""

    format = "csv"
    is_1904 = False

    def __init__(self, path: Path, *, limits: Limits = DEFAULT, keep_thousands: bool = False) -> None:
        self._path, self._limits, self._keep_thousands = path, limits, keep_thousands
        with path.open("rb") as opened:
            sample = opened.read(SAMPLE_BYTES)
        self._encoding = _encoding_of(sample, path)
        self._delimiter = _delimiter_of(sample.decode(self._encoding, "replace"))
        self.sheets = [SheetInfo(ONLY_SHEET, 0)]

    def close(self) -> None:
        """Nothing stays open between questions."""

    def head(self, sheet: SheetInfo, rows: int = HEAD_ROWS) -> Head:  # noqa: ARG002 - there is one sheet
        found: dict[int, dict[int, HeadCell]] = {}
        seen = 0
        for number, record in self._records(no_tick):
            seen += 1 + len(record)
            row = {at: HeadCell(value) for at, text in enumerate(record) if (value := text_value(text))}
            if row:
                found[number] = row
            if len(found) >= rows or seen > self._limits.max_head_cells:
                break
        return Head(found)

    def columns(
        self,
        sheet: SheetInfo,  # noqa: ARG002 - there is one sheet
        wanted: Mapping[int, bool],
        first_row: int,
        tick: Tick = no_tick,
    ) -> dict[int, Cells]:
        builders = {column: CellsBuilder() for column in wanted}
        numbers: list[int] = []
        texts: dict[int, list[str]] = {column: [] for column in wanted}

        def flush() -> None:
            rows = np.array(numbers, np.int64)
            for column, builder in builders.items():
                add_texts(builder, rows, texts[column], keep_thousands=self._keep_thousands)
                texts[column].clear()
                if builder.text_bytes > self._limits.max_text_bytes:
                    raise UnreadableFileError(f"a column's texts are beyond {self._limits.max_text_bytes:,} bytes")
            numbers.clear()

        for number, record in self._records(tick):
            if number < first_row:
                continue
            numbers.append(number)
            for column, kept in texts.items():
                kept.append(record[column] if column < len(record) else "")
            if len(numbers) >= BLOCK_ROWS:
                flush()
        flush()
        return {column: builder.finish() for column, builder in builders.items()}

    def _records(self, tick: Tick) -> Iterator[tuple[int, list[str]]]:
        total = self._path.stat().st_size
        with self._path.open("rb") as raw:
            lines = io.TextIOWrapper(raw, encoding=self._encoding, newline="")
            csv.field_size_limit(self._limits.max_token_bytes)  # of the whole process: all who read CSV here agree
            reader = csv.reader(_whole_lines(lines, self._limits), delimiter=self._delimiter)
            number = 0
            try:
                for number, record in enumerate(reader, start=1):
                    if number % BLOCK_ROWS == 0:
                        tick(raw.tell(), total)
                    if len(record) > self._limits.max_columns:
                        raise UnreadableFileError(
                            f"record {number} has {len(record):,} fields, a table at most {self._limits.max_columns:,}"
                        )
                    yield number, record
            except (csv.Error, UnicodeDecodeError) as error:
                raise UnreadableFileError(f"record {number + 1} cannot be read: {error}") from error


def _whole_lines(lines: io.TextIOWrapper, limits: Limits) -> Iterator[str]:
    """Lines of bounded length: a file without line ends must not become one string."""
    number = 0
    while line := lines.readline(limits.max_token_bytes):
        number += 1
        if len(line) >= limits.max_token_bytes:
            raise UnreadableFileError(
                f"line {number} has more than {limits.max_token_bytes:,} characters, which no table has", line=number
            )
        yield line.replace("\0", "\ufffd")  # part of no value, and nothing that keeps texts takes it


def _encoding_of(sample: bytes, path: Path) -> str:
    for mark, encoding in MARKS:
        if sample.startswith(mark):
            return encoding
    if is_binary(sample):
        raise UnreadableFileError(f"{path.suffix or 'the file'} holds binary data, not text")
    if (zeros := sample.count(0)) > len(sample) // 3:  # UTF-16 without its mark
        return "utf-16-le" if sample[1::2].count(0) * 2 > zeros else "utf-16-be"
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 4:  # a letter cut in two by the end of the sample is no sign
            return "cp1252"
    return "utf-8"


def _delimiter_of(sample: str) -> str:
    """The delimiter that splits most of the first lines alike; one column has a comma that nobody uses."""
    lines = [line for line in sample.splitlines()[:50] if line.strip()]

    def score(delimiter: str) -> tuple[int, int]:
        counts = [len(record) for record in csv.reader(lines, delimiter=delimiter)]
        common = max(set(counts), key=counts.count, default=1)
        return (counts.count(common) if common > 1 else 0, common)

    try:
        return max(DELIMITERS, key=score)
    except csv.Error:
        return ","
