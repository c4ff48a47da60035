"""What every kind of file gives a reader: sheets, the first rows whole, and chosen columns as cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.light_types import NamedTuple, Protocol
from core.workbook.cells import Cells, CellValue

HEAD_ROWS = 100
Tick = Callable[[int, int], None]  # bytes read, of how many; it may raise to stop the reading


def no_tick(_done: int, _total: int, /) -> None:
    """For readers that nobody watches."""


# What the only sheet of a CSV or Parquet file is called: stored files are named by their content, which no clerk knows.
ONLY_SHEET = "table"


class SheetInfo(NamedTuple):
    """A sheet as people know it."""

    name: str
    index: int  # type: ignore[assignment]  # nobody asks a sheet for the place of a value in it
    hidden: bool = False


class HeadCell(NamedTuple):
    """A cell of the first rows, with what only the preview asks for."""

    value: CellValue
    is_date: bool = False


class Head(NamedTuple):
    """The first rows that hold anything: by row number, by column."""

    rows: Mapping[int, Mapping[int, HeadCell]]
    has_header: bool = False  # the format says that the first row is names


class Source(Protocol):
    """An open file of tables. Rows are numbered as the file's own program shows them, columns from 0."""

    format: str
    is_1904: bool

    @property
    def sheets(self) -> Sequence[SheetInfo]: ...

    def head(self, sheet: SheetInfo, rows: int = HEAD_ROWS) -> Head:
        """The first rows that hold anything."""

    def columns(
        self, sheet: SheetInfo, wanted: Mapping[int, bool], first_row: int, tick: Tick = no_tick
    ) -> dict[int, Cells]:
        """Those columns from `first_row` down; the flag says whether shared texts are needed as texts."""

    def close(self) -> None: ...
