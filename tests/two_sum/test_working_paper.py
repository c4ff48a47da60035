"""The working paper shows the input's rows, whatever is missing in them, and says when it is left out."""

from unittest.mock import patch

import openpyxl

from tasks.two_sum import working_paper
from tasks.two_sum.contract import TwoSumParams
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


def test_rows_with_gaps_and_out_of_order_stand_in_their_order(tmp_path):
    path = handmade.workbook(tmp_path / "gaps.xlsx", ROWS)
    asked = TwoSumParams(filepath=path.name, target=0, column="Amount", mode="all")
    with scan(asked, Folder(tmp_path), lambda *_: None, lambda: None) as found:
        working_paper.write(tmp_path / "paper.xlsx", found.source, found.ledger, found.outcome, {})
    paper = openpyxl.load_workbook(tmp_path / "paper.xlsx")
    assert [list(row) for row in paper["Matched"].iter_rows(values_only=True)] == [
        ["Row", "Name", "Amount", "Pairs"],
        [2, None, 1.5, "1"],
        [4, "name only", None, None],
        [7, "both", -1.5, "1"],
        [9, None, 3, None],
    ]
    assert [list(row) for row in paper["Unmatched"].iter_rows(values_only=True)][1:] == [["Sheet1", "B9", 3]]


def test_a_paper_too_large_is_left_out_and_the_result_says_so(tmp_path):
    path = handmade.workbook(tmp_path / "gaps.xlsx", ROWS)
    _, found = ask(path, target=0, column="Amount", mode="all")
    assert working_paper.why_not(found.ledger) is None
    with patch.object(working_paper, "MOST_CELLS", 5):
        assert "6 cells" in working_paper.why_not(found.ledger)
