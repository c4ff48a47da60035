"""One question of one workbook in one go: natively, by vectors and by the general way the answer is the same."""

import subprocess
import sys
from decimal import Decimal
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.workbook import build_native, xlsx
from core.workbook.native_library import native_library
from data.make_workbooks import make_samples
from tasks.two_sum import at_once, matching, sieve
from tasks.two_sum.at_once import FirstPair, first_pair_of
from tests.two_sum import oracle
from tests.two_sum.oracle import Entry, Rule
from tests.workbook import handmade

NATIVE_USERS = (at_once, matching, sieve, xlsx)


@pytest.fixture(scope="module", autouse=True)
def _built():
    build_native.main()
    native_library.cache_clear()
    assert native_library() is not None


def every_way(path, target, *rest):
    """The answer of each way, which must not differ."""
    natively = first_pair_of(path, target, *rest)
    with patch.multiple("tasks.two_sum.at_once", native_library=lambda: None):
        by_vectors = first_pair_of(path, target, *rest)
        with patch.object(at_once, "_by_vectors", lambda *_: None):
            generally = first_pair_of(path, target, *rest)
    assert natively == by_vectors == generally
    return natively


CELLS = st.lists(
    st.one_of(
        st.integers(-30, 30).map(lambda cents: f"<v>{cents / 100!r}</v>"),
        st.integers(-3, 3).map(lambda whole: f"<v>{whole}</v>"),
        st.sampled_from(
            ["", "<v>0.30000000000000004</v>", "<v>9007199254740993</v>", "<f>1+1</f><v>2</v>", "<v>1e2</v>"]
        ),
    ),
    max_size=12,
)


@given(CELLS, st.sampled_from([Decimal(0), Decimal("0.3"), Decimal(2), Decimal("-0.01"), Decimal(1)]), st.data())
@settings(deadline=None, max_examples=60)
def test_every_way_gives_the_same_pair(tmp_path_factory, cells, target, data):
    order = data.draw(st.permutations(range(len(cells)))) if data.draw(st.booleans()) else range(len(cells))
    rows = "".join(f'<row r="{at + 2}"><c r="A{at + 2}">{cells[at]}</c></row>' for at in order)
    head = '<row r="1"><c r="A1" t="inlineStr"><is><t>Amount</t></is></c></row>'
    path = handmade.workbook(tmp_path_factory.mktemp("each") / "b.xlsx", head + rows)
    found = every_way(path, target, "Amount")
    texts = [cell.rpartition("<v>")[2].removesuffix("</v>") for cell in cells if cell]
    amounts = [round(Decimal(text), 15) if "." in text else Decimal(text) for text in texts]
    units = [int(amount.scaleb(15)) for amount in amounts]
    expected = oracle.first_pair(Rule(int(target.scaleb(15))), [Entry(unit) for unit in units], None)
    assert (found.amounts, found.places) == (len(amounts), expected)


def test_the_cells_of_a_pair_over_two_sheets_are_named(tmp_path):
    sheets = {
        name: handmade.SHEET % f'<row r="1"><c r="B1"><v>7</v></c></row><row r="9"><c r="B9"><v>{value}</v></c></row>'
        for name, value in (("One", "1.5"), ("Two", "2.25"))
    }
    path = handmade.write(tmp_path / "b.xlsx", handmade.parts(sheets))
    assert every_way(path, Decimal("3.75"), "B") == FirstPair(4, ("One!B9", "Two!B9"), (1, 3))
    assert every_way(path, Decimal("3.75"), "B", "One") == FirstPair(2)


def test_each_sheet_has_its_column_where_its_header_stands(tmp_path):
    def sheet(letter, *values):
        head = f'<row r="1"><c r="{letter}1" t="inlineStr"><is><t>Amount</t></is></c></row>'
        cells = (f'<row r="{at}"><c r="{letter}{at}"><v>{value}</v></c></row>' for at, value in enumerate(values, 2))
        return handmade.SHEET % (head + "".join(cells))

    sheets = {"One": sheet("C", 5, 7, "0.5"), "Two": sheet("A"), "Three": sheet("AB", "2.25", 1)}
    path = handmade.write(tmp_path / "b.xlsx", handmade.parts(sheets))
    assert every_way(path, Decimal("2.75"), "Amount") == FirstPair(5, ("One!C4", "Three!AB2"), (2, 3))
    assert every_way(path, 8, "Amount") == FirstPair(5, ("One!C3", "Three!AB3"), (1, 4))


def test_a_cell_that_is_no_number_is_left_out(tmp_path):
    rows = "".join(
        f'<row r="{row}"><c r="A{row}" t="{kind}"><v>{value}</v></c></row>'
        for row, (kind, value) in enumerate([("n", 1), ("b", 1), ("str", "total"), ("n", 2)], start=1)
    )
    assert every_way(handmade.workbook(tmp_path / "b.xlsx", rows), 3, "A") == FirstPair(
        2, ("Sheet1!A1", "Sheet1!A4"), (0, 1)
    )


def test_the_command_names_the_pair_and_what_is_wrong(tmp_path):
    path = make_samples(tmp_path)[0]

    def asked(*arguments):
        command = [sys.executable, "-m", "tasks.two_sum", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert asked(str(path), "4000000003") == (0, "Sheet1!A1000 + Sheet1!A1001 = 4000000003 (1,000 amounts)\n")
    assert asked(str(path), "1", "Numbers") == (1, "nothing adds up to 1 among 1,000 amounts\n")
    code, said = asked(str(path), "1", "Number")
    assert (code, "did you mean 'Numbers'?" in said) == (2, True)
    assert asked(str(path), "a lot") == (2, "'a lot' is no number to look for\n")
    assert asked(str(path), "nan") == (2, "'nan' is no number to look for\n")
    assert asked()[0] == 2


def test_an_ordinary_workbook_is_answered_without_loading_what_is_slow_to_load(tmp_path):
    code = (
        "import sys; from tasks.two_sum.at_once import first_pair_of\n"
        f"print(first_pair_of({str(make_samples(tmp_path)[1])!r}, 0, 'Amount').amounts)\n"
        "print({'numpy', 'dataclasses', 'tempfile', 'typing', 'enum', 're', 'pathlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2000\nset()\n"
