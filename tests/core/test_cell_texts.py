"""A text too long for a cell is cut where everybody sees it, in every workbook we write."""

import io

import openpyxl
import pytest

from api.spreadsheets import xlsx_response
from core.cell_texts import MOST, fitting
from core.table_files import write_xlsx
from core.workbook.book_writer import BookWriter, text

LONG = "x" * 40_000
MARK = " [cut: 40,000 characters do not fit into a cell]"


def by_table_files(path):
    write_xlsx(path, ["name"], [[LONG]], name="t")


def by_the_api(path):
    response = xlsx_response("t.xlsx", ["name"], [[[LONG]]])
    path.write_bytes(response.get_data())
    response.close()


def by_the_large_writer(path):
    with BookWriter(path) as book:
        book.add_sheet("t", [text("name")], [[[text(LONG)]]])


@pytest.mark.parametrize("write", [by_table_files, by_the_api, by_the_large_writer])
def test_a_cut_text_says_so_in_its_cell(tmp_path, write):
    write(tmp_path / "t.xlsx")
    shown = openpyxl.load_workbook(io.BytesIO((tmp_path / "t.xlsx").read_bytes())).active["A2"].value
    assert len(shown) == MOST
    assert shown == LONG[: MOST - len(MARK)] + MARK


@pytest.mark.parametrize("whole", ["", "plain", "x" * MOST, "\U0001f600" * (MOST // 2)])
def test_what_fits_stays_whole(whole):
    assert fitting(whole) == whole


def test_characters_are_counted_as_spreadsheets_count_them():
    cut = fitting("\U0001f600" * MOST)
    assert len(cut.encode("utf-16-le")) // 2 <= MOST
    assert cut.endswith(" [cut: 32,767 characters do not fit into a cell]")
