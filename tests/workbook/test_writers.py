"""The same table by many writers is the same table."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas as pd
import polars as pl
import pytest
import xlsxwriter

from core.workbook import header
from core.workbook.opening import open_source
from tasks.two_sum.dates import days_of, iso
from tests.workbook.reading import both, read

CORPUS = Path(__file__).parent / "corpus"
ROWS = [
    ["Name", "Amount", "When", "Paid"],
    ["Acme", 1.5, date(2026, 1, 2), True],
    ["Birch & Sons", 0.1 + 0.2, date(2026, 1, 3), False],
    ["Cobalt", 940438.19, date(2026, 1, 4), True],
    ["Dune", -12, date(2026, 1, 5), False],
    ["Ember", 123456789012345, date(2026, 1, 6), True],
]
AMOUNTS = dict(zip(range(2, 7), map(Decimal, ["1.5", "0.3", "940438.19", "-12", "123456789012345"]), strict=True))


def by_openpyxl(path):
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.save(path)


def by_openpyxl_write_only(path):
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    for row in ROWS:
        sheet.append(row)
    book.save(path)


def by_xlsxwriter(path, **options):
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd", **options}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate(ROWS):
            sheet.write_row(at, 0, row)


def by_xlsxwriter_in_constant_memory(path):
    by_xlsxwriter(path, constant_memory=True)


def by_pandas(path):
    pd.DataFrame(ROWS[1:], columns=ROWS[0]).to_excel(path, index=False)


def by_polars(path):
    pl.DataFrame(ROWS[1:], schema=ROWS[0], orient="row", strict=False).write_excel(path)


WRITERS = [by_openpyxl, by_openpyxl_write_only, by_xlsxwriter, by_xlsxwriter_in_constant_memory, by_pandas, by_polars]


@pytest.mark.parametrize("write", WRITERS)
def test_what_a_writer_of_today_writes_reads_right(tmp_path, write):
    path = tmp_path / "made.xlsx"
    write(path)
    assert both(path, "B", first_row=2) == AMOUNTS
    check_others(path)


@pytest.mark.parametrize(
    "path", sorted(CORPUS.glob("*.xl*")) + sorted(CORPUS.glob("*.ods")), ids=lambda path: path.name
)
def test_what_other_programs_wrote_reads_right(path):
    if path.suffix == ".xlsx":
        assert both(path, "B", first_row=2) == AMOUNTS
    else:
        assert read(path, "B", first_row=2) == AMOUNTS
    check_others(path)


def check_others(path):
    with open_source(path) as source:
        sheet = source.sheets[0]
        found = header.guess(source.head(sheet))
        assert (found.row, [column.name for column in found.columns]) == (1, ROWS[0])
        assert found.automatic().name == "Amount"
        cells = source.columns(sheet, {0: True, 2: True}, 2)
        days = [iso(day) for day in days_of(cells[2], is_1904=source.is_1904).tolist()]
    assert [name for _, name in read(path, "A", first_row=2).values()] == [row[0] for row in ROWS[1:]]
    assert days == [row[2].isoformat() for row in ROWS[1:]]


@pytest.mark.parametrize("path", sorted((CORPUS / "shifted").iterdir()), ids=lambda path: path.suffix)
def test_empty_rows_and_columns_at_the_start_shift_no_address(path):
    assert read(path, "C") == {4: ("TEXT", "Amount"), 5: Decimal(5), 8: Decimal("7.25")}
    assert read(path, "A", sheet=1) == {}
