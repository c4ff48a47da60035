"""Find the header row and the column or sheet people mean, and say what is there when it is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.errors import InvalidInputError
from core.light_types import NamedTuple
from core.workbook import addresses
from core.workbook.cells import CellKind, CellValue
from core.workbook.source import Head, SheetInfo

NUMBERS = (CellKind.NUMBER, CellKind.BIG)
NAMED_MOST = 12
ReadText = Callable[[str], CellValue | None]  # what a text means as an amount, where people say that some are typed


def no_number(_text: str) -> None:
    """For those who read no text as an amount."""


class Column(NamedTuple):
    """A column that was asked for: where it is and what its header calls it."""

    index: int  # type: ignore[assignment]  # nobody asks a column for the place of a value in it
    name: str

    @property
    def letter(self) -> str:
        return addresses.letters(self.index)


class Header(NamedTuple):
    """The header row, 0 if there is none, with the names it gives the columns."""

    row: int
    columns: Sequence[Column]
    head: Head

    @property
    def first_data_row(self) -> int:
        return self.row + 1

    def names(self, wanted: str) -> bool:
        """Whether a column is called so, case and spaces forgiven."""
        return any(_plain(column.name) == _plain(wanted) for column in self.columns if column.name)

    def find(self, wanted: str) -> Column:
        """By name, exact before case and spaces are forgiven; else by letter. Never a guess."""
        for same in (str, _plain):
            found = [column for column in self.columns if column.name and same(column.name) == same(wanted)]
            if len(found) > 1 and same is str:
                letters = ", ".join(column.letter for column in found)
                raise InvalidInputError(
                    f"column {wanted!r} is there {len(found)} times; say which by its letter: {letters}",
                    column=wanted,
                )
            if found:
                return found[0]
        number = addresses.column_number(wanted.strip())
        if number is not None:
            named = next((column for column in self.columns if column.index == number), None)
            if named is not None or not self.columns:
                return named or Column(number, "")
        names = [column.name or column.letter for column in self.columns]
        raise InvalidInputError(_nothing_called("column", wanted, names), column=wanted, columns=names[:100])

    def automatic(self, read_text: ReadText = no_number) -> Column:
        """`Numbers` if there is one, else the only or the most money-like column of numbers, typed ones too."""
        for column in self.columns:
            if _plain(column.name) == "numbers":
                return column
        scored = [(self._score(column, read_text), -column.index, column) for column in self.columns]
        best = max(scored, default=None, key=lambda each: each[:2])
        if best is None or best[0] <= 0:
            names = [column.name or column.letter for column in self.columns]
            raise InvalidInputError(f"no column holds numbers; there are {_listed(names)}", columns=names[:100])
        return best[2]

    def _score(self, column: Column, read_text: ReadText) -> float:
        cells = [
            row[column.index] for number, row in self.head.rows.items() if number > self.row and column.index in row
        ]
        values = [
            read_text(cell.value.text) if cell.value.kind is CellKind.TEXT else cell.value
            for cell in cells
            if not cell.is_date
        ]
        numbers = [value for value in values if value is not None and value.kind in NUMBERS]
        if not cells or len(numbers) * 2 < len(cells):
            return 0
        fractions = sum(value.exponent < 0 for value in numbers)
        named = any(word in _plain(column.name) for word in ("amount", "betrag", "total", "value", "sum"))
        return len(numbers) / len(cells) + fractions / len(numbers) + (2 if named else 0)


def guess(head: Head) -> Header:
    """The header is the first row of texts with something else below, as wide as what is below it."""
    numbers = sorted(head.rows)
    width = max((max(row) + 1 for row in head.rows.values()), default=0)
    for number in numbers[:20]:
        row = head.rows[number]
        texts = [cell for cell in row.values() if cell.value.kind is CellKind.TEXT and cell.value.text.strip()]
        if len(texts) == len(row) and (head.has_header or _is_header(head, number)):
            return Header(number, _columns(head, number, width), head)
        if any(cell.value.kind in NUMBERS for cell in row.values()) and len(row) * 2 > width:
            break
    return Header(
        0,
        [Column(index, "") for index in range(width) if any(index in row for row in head.rows.values())],
        head,
    )


def with_row(head: Head, row: int) -> Header:
    """The header row people name themselves; 0 says that there is none."""
    width = max((max(cells) + 1 for cells in head.rows.values()), default=0)
    if row and row not in head.rows:
        raise InvalidInputError(f"row {row} is empty, or beyond the first rows, and cannot be the header", row=row)
    return Header(row, _columns(head, row, width), head)


def holding(head: Head, wanted: str) -> Header:
    """The header row that names the wanted column, wherever titles above push it; else the guess."""
    width = max((max(row) + 1 for row in head.rows.values()), default=0)
    for number in sorted(head.rows):
        names = [_plain(cell.value.shown()) for cell in head.rows[number].values() if cell.value.kind is CellKind.TEXT]
        if _plain(wanted) in names:
            return Header(number, _columns(head, number, width), head)
    return guess(head)


def find_sheets(sheets: Sequence[SheetInfo], wanted: str | int | None) -> list[SheetInfo]:
    """One by name or index, the first by default, every one for `*`."""
    if wanted is None:
        return [sheets[0]]
    if isinstance(wanted, int):
        if not 0 <= wanted < len(sheets):
            raise InvalidInputError(
                f"no sheet {wanted}: this workbook has {len(sheets)}, from 0",
                sheet=wanted,
                sheets=_names(sheets),
            )
        return [sheets[wanted]]
    for same in (str, _plain):
        found = [sheet for sheet in sheets if same(sheet.name) == same(wanted)]
        if found:
            return found[:1]
    if wanted == "*":
        return list(sheets)
    names = _names(sheets)
    raise InvalidInputError(_nothing_called("sheet", wanted, names), sheet=wanted, sheets=names)


def _names(sheets: Sequence[SheetInfo]) -> list[str]:
    return [sheet.name for sheet in sheets][:100]


def _is_header(head: Head, number: int) -> bool:
    """Names stand over values of another type, or over more rows that look unlike them."""
    below = [head.rows[row] for row in sorted(head.rows) if row > number][:20]
    row = head.rows[number]
    if not below:
        return False
    return any(
        any(index in cells and cells[index].value.kind is not CellKind.TEXT for cells in below) for index in row
    ) and len(row) * 2 > max(len(cells) for cells in below)


def _columns(head: Head, number: int, width: int) -> list[Column]:
    row = head.rows.get(number, {})
    used = {index for cells in head.rows.values() for index in cells}
    return [
        Column(index, row[index].value.shown().strip() if index in row else "")
        for index in range(width)
        if index in used
    ]


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _nothing_called(what: str, wanted: str, names: list[str]) -> str:
    import difflib  # noqa: PLC0415 - only for those who misspell

    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    lower = {name.casefold(): name for name in names}
    near += [lower[name] for name in difflib.get_close_matches(wanted.casefold(), lower, n=3, cutoff=0.5)]
    hint = f"; did you mean {' or '.join(repr(name) for name in dict.fromkeys(near))}?" if near else ""
    return f"no {what} {wanted!r}; there are {_listed(names)}{hint}"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED_MOST])
    return f"{shown} and {len(names) - NAMED_MOST} more" if len(names) > NAMED_MOST else shown or "none"
