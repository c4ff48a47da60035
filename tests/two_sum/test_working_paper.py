"""The working paper shows the input's rows, whatever is missing in them, and says when it is left out."""

import json
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from unittest.mock import patch

import openpyxl
import pytest
from openpyxl.utils.escape import unescape

from core.workbook import addresses
from core.workbook.book_writer import BookWriter
from tasks.two_sum import asking_again, pair_files, working_paper
from tasks.two_sum.contract import TwoSumParams
from tasks.two_sum.remembering import question_of
from tasks.two_sum.scanning import scan
from tests.two_sum.desk import Folder, ask
from tests.workbook import handmade

ROWS = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>Name</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>Amount</t></is></c></row>'
    '<row r="2"><c r="B2"><v>1.5</v></c></row>'
    '<row r="7"><c r="A7" t="inlineStr"><is><t>both</t></is></c><c r="B7"><v>-1.5</v></c></row>'
    '<row r="4"><c r="A4" t="inlineStr"><is><t>name only</t></is></c></row>'
    '<row r="9"><c r="B9"><v>3</v></c></row>'
)


def paper_of(path, question=MappingProxyType({}), **options):
    """The working paper of a question for cancelling amounts, as another program reads it."""
    asked = TwoSumParams(filepath=path.name, target=0, column="Amount", mode="all", **question)
    with scan(asked, Folder(path.parent), lambda *_: None, lambda: None) as found:
        working_paper.write(path.parent / "paper.xlsx", found, {}, **options)
    return openpyxl.load_workbook(path.parent / "paper.xlsx")


def rows_of(*lines):
    """A sheet with the header Name, Amount and lines of a text and a number each."""
    cells = (
        f'<row r="{at}"><c r="A{at}" t="inlineStr"><is><t xml:space="preserve">{name}</t></is></c>'
        f'<c r="B{at}"><v>{amount}</v></c></row>'
        for at, (name, amount) in enumerate(lines, start=2)
    )
    return ROWS[: ROWS.index('<row r="2"')] + "".join(cells)


def test_a_remembered_paper_is_that_of_the_very_file_that_it_names(tmp_path):
    for name in ("mine.xlsx", "theirs.xlsx"):
        handmade.workbook(tmp_path / name, ROWS)

    def questions(**asked):
        each = (TwoSumParams(filepath=name, target=0, **asked) for name in ("mine.xlsx", "theirs.xlsx"))
        return {question_of(params, Folder(tmp_path)) for params in each}

    assert len(questions(mode="all")) == 2
    assert len(questions(mode="all", working_paper=False)) == len(questions(mode="first")) == 1


def test_rows_with_gaps_and_out_of_order_stand_in_their_order(tmp_path):
    paper = paper_of(handmade.workbook(tmp_path / "gaps.xlsx", ROWS))
    assert [list(row) for row in paper["Matched"].iter_rows(values_only=True)] == [
        ["Row", "Name", "Amount", "Pairs"],
        [2, None, 1.5, 1],
        [4, "name only", None, None],
        [7, "both", -1.5, 1],
        [9, None, 3, None],
    ]
    assert [list(row) for row in paper["Unmatched"].iter_rows(values_only=True)][1:] == [["Sheet1", "B9", 3]]


def test_a_paper_too_large_is_left_out_and_the_result_says_so(tmp_path):
    path = handmade.workbook(tmp_path / "gaps.xlsx", ROWS)
    _, found = ask(path, target=0, column="Amount", mode="all")
    assert working_paper.why_not(found.ledger) is None
    with patch.object(working_paper, "MOST_CELLS", 5):
        assert "9 cells" in working_paper.why_not(found.ledger)


def test_where_there_is_no_room_for_all_columns_those_of_the_question_are_shown(tmp_path, monkeypatch):
    names = [f"c{at}" for at in range(60)]
    (tmp_path / "wide.csv").write_text(",".join([*names, "Amount"]) + "\n" + ",".join(["x"] * 60 + ["5"]) + "\n")
    paper = paper_of(tmp_path / "wide.csv")
    assert [cell.value for cell in paper["Matched"][1]] == ["Row", *names[:49], "Amount", "Pairs"]
    assert [cell.value for cell in paper["Matched"][2]][-2] == 5
    assert "50 of 61 are shown" in str([cell.value for cell in paper["Summary"]["B"]])
    monkeypatch.setattr(working_paper, "MOST_CELLS", 4)
    assert [cell.value for cell in paper_of(tmp_path / "wide.csv")["Matched"][1]] == ["Row", "c0", "Amount", "Pairs"]


def test_a_full_sheet_of_ten_columns_has_a_paper():
    assert (addresses.MAX_ROWS - 1) * 12 <= working_paper.MOST_CELLS


def test_of_two_tables_both_are_shown_with_what_each_has_left(tmp_path):
    (tmp_path / "bank.csv").write_text("Amount\n10\n20\n30\n")
    (tmp_path / "books.csv").write_text("Text,Amount\nten,10\nforty,40\nthirty,30\n")
    paper = paper_of(tmp_path / "bank.csv", {"against": {"filepath": "books.csv"}})
    shown = ["Summary", "Pairs", "Matched", "Unmatched", "Against", "Unmatched against", "Skipped cells"]
    assert paper.sheetnames == shown
    assert list(paper["Pairs"].values)[1:] == [
        (1, 0, "table", "A2", 10, "table", "B2", 10, 0),
        (2, 0, "table", "A4", 30, "table", "B4", 30, 0),
    ]
    assert list(paper["Matched"].values)[1:] == [(2, 10, 1), (3, 20, None), (4, 30, 2)]
    assert list(paper["Against"].values)[1:] == [(2, "ten", 10, 1), (3, "forty", 40, None), (4, "thirty", 30, 2)]
    assert [row[1:] for row in paper["Unmatched"].values][1:] == [("A3", 20)]
    assert [row[1:] for row in paper["Unmatched against"].values][1:] == [("B3", 40)]
    colours = [cell.fill.fgColor.rgb[2:] for cell in paper["Against"]["C"]]
    assert colours == ["000000", "DDEBF7", "000000", "E2EFDA"]


def test_the_summary_says_which_sheet_is_which(tmp_path):
    book = openpyxl.Workbook()
    for name in ("Jan", "Feb"):
        for row in (["Amount"], [1]):
            (book[name] if name in book.sheetnames else book.create_sheet(name)).append(row)
    del book["Sheet"]
    book.save(tmp_path / "months.xlsx")
    facts = dict(paper_of(tmp_path / "months.xlsx", {"sheet": "*"})["Summary"].values)
    assert (facts["Matched"], facts["Matched 2"]) == ("Jan", "Feb")


def test_more_pairs_than_anybody_reads_are_left_to_the_csv_and_the_paper_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(working_paper, "MOST_PAIRS", 2)
    paper = paper_of(handmade.workbook(tmp_path / "t.xlsx", rows_of(*(("a", sign) for sign in (1, 1, -1, -1)))))
    assert [row[0] for row in paper["Pairs"].values] == ["pair", 1, 2]
    assert dict(paper["Summary"].values)["Pairs"] == "the first 2 of 4 are shown; all of them are in pairs.csv"


def test_the_header_stays_in_sight_and_rows_can_be_filtered(tmp_path):
    sheet = paper_of(handmade.workbook(tmp_path / "gaps.xlsx", ROWS))["Matched"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet.sheet_format.defaultColWidth) == ("A2", "A1:D5", 13)


def test_matched_rows_are_coloured_pair_by_pair_and_dates_stay_dates(tmp_path):
    path = tmp_path / "dated.xlsx"
    book = openpyxl.Workbook()
    for row in (["Day", "Amount"], [date(2026, 5, 1), 1.5], [date(2026, 5, 2), -1.5], [date(2026, 5, 3), 9]):
        book.active.append(row)
    book.save(path)
    sheet = paper_of(path)["Matched"]
    assert [cell.value for cell in sheet["B"]] == ["Day", *(datetime(2026, 5, day) for day in (1, 2, 3))]  # noqa: DTZ001
    assert [cell.fill.fgColor.rgb[2:] for cell in sheet["B"]] == ["000000", "DDEBF7", "DDEBF7", "000000"]
    assert [cell.fill.fgColor.rgb[2:] for cell in sheet["C"]] == ["000000", "DDEBF7", "DDEBF7", "000000"]


@pytest.mark.parametrize(
    "text", ["=1+1", "@x", "a &lt; b &amp; c", " spaces  ", "two\nlines", "_x000D_", "\u00e9\U0001f600"]
)
def test_texts_stand_as_they_are_and_none_is_a_formula(tmp_path, text):
    cell = paper_of(handmade.workbook(tmp_path / "t.xlsx", rows_of((text, 1), ("b", -1))))["Matched"]["B2"]
    shown = text.replace("&lt;", "<").replace("&amp;", "&")
    assert (unescape(cell.value), cell.data_type) == (shown, "s")


def test_a_number_of_more_digits_than_a_sheet_keeps_stays_exact_as_text(tmp_path):
    sheet = paper_of(handmade.workbook(tmp_path / "t.xlsx", rows_of(("a", "1234567890123456"), ("b", "0.1"))))[
        "Matched"
    ]
    assert [cell.value for cell in sheet["C"]][1:] == ["1234567890123456", 0.1]


def test_a_row_in_many_pairs_says_how_many_more_there_are(tmp_path):
    lines = [("one", 5), *(("other", -5) for _ in range(25))]
    sheet = paper_of(handmade.workbook(tmp_path / "t.xlsx", rows_of(*lines)))["Matched"]
    assert sheet["D2"].value == ", ".join(map(str, range(1, 21))) + " and 5 more"
    assert sheet["D3"].value == 1


def test_rows_beyond_a_full_sheet_go_on_on_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(addresses, "MAX_ROWS", 3)
    path = tmp_path / "long.csv"
    path.write_text("Name,Amount\n" + "".join(f"n{at},{at + 1}\n" for at in range(5)))
    paper = paper_of(path)
    pages = [name for name in paper.sheetnames if name.startswith("Matched")]
    assert [[cell.value for cell in paper[name]["B"]] for name in pages] == [
        ["Name", "n0", "n1"],
        ["Name", "n2", "n3"],
        ["Name", "n4"],
    ]


def test_writing_can_be_stopped_at_every_band(tmp_path):
    class StopError(Exception):
        pass

    def stop(done, total):
        if done > total / 2:
            raise StopError

    with pytest.raises(StopError):
        paper_of(handmade.workbook(tmp_path / "t.xlsx", rows_of(*(("a", at) for at in range(20_000)))), tick=stop)


@pytest.mark.parametrize("write", [pair_files.write_csv, pair_files.write_parquet])
def test_writing_pairs_can_be_stopped_too(tmp_path, write):
    path = tmp_path / "same.csv"
    path.write_text("Amount\n" + "1\n" * 300)
    _, found = ask(path, target=2, column="Amount", mode="all")
    told = []
    write(tmp_path / "pairs", found.outcome, found.ledger, None, lambda done, total: told.append(done / total))
    assert told == sorted(told)
    assert len(told) > 2


def test_the_same_question_makes_the_same_file(tmp_path):
    path = handmade.workbook(tmp_path / "gaps.xlsx", ROWS)
    paper_of(path)
    first = (tmp_path / "paper.xlsx").read_bytes()
    paper_of(path)
    assert (tmp_path / "paper.xlsx").read_bytes() == first


@pytest.mark.parametrize(
    "question",
    [
        {"target": Decimal("2357.95"), "min_amount": Decimal("0.01"), "date_column": "Due", "date_from": "2026-01-02"},
        {
            "target": 10**30,
            "tolerance": Decimal("0.1"),
            "where": [{"column": "Who", "equals": ['a "quoted" one', "ä"]}],
        },
        {"targets": [Decimal(n).scaleb(-3) for n in range(10_000)], "against": {"filepath": "b.csv", "sheet": 0}},
    ],
)
def test_the_summary_s_last_lines_ask_the_same_question_again(tmp_path, question):
    asked = TwoSumParams(filepath="a.xlsx", **question)
    with BookWriter(tmp_path / "s.xlsx", working_paper.STYLES) as book:
        book.add_sheet("Summary", [], [working_paper._summary({"Ask again": asking_again.lines_of(asked)})])
    lines = openpyxl.load_workbook(tmp_path / "s.xlsx")["Summary"].iter_rows(min_row=2, values_only=True)
    again = json.loads("".join(unescape(value) for _, value in lines if value))
    assert again["kind"] == "two_sum"
    assert TwoSumParams.model_validate(again["params"]) == asked
