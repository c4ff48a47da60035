"""Files that spreadsheets open carry no formula and lose no digit."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from decimal import Decimal

import openpyxl
import pytest

from core.table_files import harmless, write_csv, write_xlsx

COLUMNS = ["text", "number", "moment"]
MOMENT = datetime(2026, 5, 21, 10, 30, tzinfo=UTC)
ROWS = [("=1+1", Decimal("12345678901234567.89"), MOMENT), ("plain\nlines", Decimal("12.30"), None), (None, 7, MOMENT)]


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@sum", "\tx", "-1+1", "\r=1"])
def test_what_a_spreadsheet_would_run_is_made_text(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "plain", "-5", "+5.20", "-0.001"])
def test_texts_and_numbers_stay_as_they_are(text):
    assert harmless(text) == text


def test_a_csv_file_reads_back(tmp_path):
    path = tmp_path / "t.csv"
    assert write_csv(path, COLUMNS, ROWS) == 3
    with path.open(newline="") as source:
        assert list(csv.reader(source)) == [
            COLUMNS,
            ["'=1+1", "12345678901234567.89", "2026-05-21T10:30:00Z"],
            ["plain\nlines", "12.30", ""],
            ["", "7", "2026-05-21T10:30:00Z"],
        ]


def test_a_workbook_reads_back_with_texts_as_texts(tmp_path):
    path = tmp_path / "t.xlsx"
    assert write_xlsx(path, COLUMNS, ROWS, name="orders") == 3
    cells = list(openpyxl.load_workbook(path).active.iter_rows(values_only=True))
    assert cells == [
        tuple(COLUMNS),
        ("=1+1", "12345678901234567.89", "2026-05-21T10:30:00Z"),
        ("plain\nlines", 12.3, None),
        (None, 7, "2026-05-21T10:30:00Z"),
    ]
    assert {cell.data_type for row in openpyxl.load_workbook(path).active.iter_rows(min_row=2) for cell in row} <= {
        "s",
        "n",
    }


def test_an_empty_table_is_a_header(tmp_path):
    path = tmp_path / "t.xlsx"
    assert write_xlsx(path, COLUMNS, [], name="t") == 0
    assert list(openpyxl.load_workbook(path).active.iter_rows(values_only=True)) == [tuple(COLUMNS)]


def test_a_full_sheet_goes_on_on_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr("core.table_files.SHEET_ROWS", 4)
    path = tmp_path / "t.xlsx"
    assert write_xlsx(path, ["n"], ([n] for n in range(7)), name="t") == 7
    book = openpyxl.load_workbook(path)
    assert [sheet.title for sheet in book] == ["t", "t 2", "t 3"]
    assert [[cell.value for cell in sheet["A"]] for sheet in book] == [["n", 0, 1, 2], ["n", 3, 4, 5], ["n", 6]]
