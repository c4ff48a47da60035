"""What a question would take: rows, seconds and memory, from sizes and the first rows alone."""

from pydantic import BaseModel, Field

from core.input_files import FileFinder
from core.workbook.source import Head, SheetInfo
from tasks.two_sum.checking import source_of
from tasks.two_sum.contract import Mode, TwoSumParams, tables_of
from tasks.two_sum.ledger import Roles, sheets_of
from tasks.two_sum.scanning import MOST_TARGETS
from tasks.two_sum.working_paper import MOST_CELLS, MOST_COLUMNS, OWN_COLUMNS

# Cautious figures of a slow core; bench/ measures the real ones.
BYTES_A_SECOND = {"xlsx": 12e6, "csv": 25e6, "parquet": 60e6}
SLOW_BYTES_A_SECOND = 3e6
PACKED_BYTES_A_ROW = {"xlsx": 12.0, "parquet": 6.0}
# Of amounts for one target; what lies within a tolerance, or nearest, takes looking at one by one.
ROWS_A_SECOND = {Mode.FIRST: 80e6, Mode.COUNT: 20e6, Mode.ALL: 20e6, Mode.BEST: 1.5e6}
ROWS_A_SECOND_WITHIN, ROWS_A_SECOND_ONCE = 1.5e6, 10e6
BYTES_A_ROW_READ, BYTES_A_ROW_MATCHED = 40, 120
PAPER_CELLS_A_SECOND = 350e3  # of the working paper, its columns' reading included
START_SECONDS = 0.05


class Estimate(BaseModel):
    """Honest only to a factor of two or so; `known` says that the columns are in the cache."""

    bytes: int = Field(description="Size of the files to read.")
    rows: int = Field(description="Rows to expect.")
    seconds: float = Field(description="To the answer; pairs to be listed are not known yet: a million take 20 s more.")
    memory_mb: int
    known: bool = Field(description="Whether these columns were read before, so that no file is.")


def estimate(params: TwoSumParams, finder: FileFinder) -> Estimate:
    """Raises what a submit would raise: a wrong column is refused here too."""
    total = rows = cells = own = 0
    seconds, known = START_SECONDS, True
    for table in tables_of(params):
        with source_of(table, finder) as (file, source):
            sheets = sheets_of(source, table)
            found = [source.rows_known(sheet, roles.wanted(table)) for sheet, roles in sheets]
            total += file.bytes
            cached = [count for count in found if count is not None]
            if len(cached) == len(found):
                own = sum(cached)
            else:
                known = False
                heads = {sheet.index: source.head(sheet) for sheet, _ in sheets}
                own = _rows(file.bytes, source.format, sheets, heads)
                seconds += file.bytes / BYTES_A_SECOND.get(source.format, SLOW_BYTES_A_SECOND)
            rows += own
            widest = max((len(roles.header.columns) for _, roles in sheets), default=0)
            cells += own * (min(widest, MOST_COLUMNS) + OWN_COLUMNS)
    rows = rows or len(params.nums or ())
    targets = min(own, MOST_TARGETS) if params.target_column is not None else max(len(params.targets), 1)
    seconds += rows / _rows_a_second(params) * targets
    if params.mode is Mode.ALL and params.working_paper:
        seconds += min(cells, MOST_CELLS) / PAPER_CELLS_A_SECOND
    memory = rows * (BYTES_A_ROW_READ + BYTES_A_ROW_MATCHED)
    return Estimate(bytes=total, rows=rows, seconds=round(seconds, 2), memory_mb=memory >> 20, known=known)


def _rows_a_second(params: TwoSumParams) -> float:
    usual = ROWS_A_SECOND[params.mode]
    if params.tolerance or params.tolerance_percent is not None:
        return min(usual, ROWS_A_SECOND_WITHIN)
    return min(usual, ROWS_A_SECOND_ONCE) if params.one_to_one else usual


def _rows(size: int, file_format: str, sheets: list[tuple[SheetInfo, Roles]], heads: dict[int, Head]) -> int:
    """Whole heads are small sheets, counted; for others the size tells, by the letters or cells a row has."""
    small = [len(head.rows) for head in heads.values()]
    if sheets and all(count < 100 for count in small):  # noqa: PLR2004 - HEAD_ROWS: the head is the sheet
        return sum(small)
    rows = [row for head in heads.values() for row in head.rows.values()]
    if file_format == "csv":
        return size * len(rows) // sum(len(cell.value.shown()) + 1 for row in rows for cell in row.values())
    width = max(sum(map(len, rows)) / max(len(rows), 1), 1)
    per_row = PACKED_BYTES_A_ROW.get(file_format, 12.0) * (0.5 + width / 2)
    return int(size / per_row)
