"""Every option of a question about files gives what the oracle gives for the same rows."""

import csv
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInputError
from tasks.two_sum import dates
from tasks.two_sum.contract import TwoSumParams
from tasks.two_sum.scanning import scan
from tests.two_sum import oracle
from tests.two_sum.desk import Folder, ask, cells, listed

START = date(2026, 1, 1)
BANK = [("Who", "Paid"), ("Acme", 3), ("Birch", 7), ("Birch", 6)]
NAMES = ("Customer", "Date", "Amount", "Sign", "Debit", "Credit", "Kind")


@dataclass(frozen=True)
class Line:
    customer: str
    day: int
    cents: int
    sign: str
    kind: str

    def row(self):
        amount = Decimal(self.cents).scaleb(-2)
        debit, credit = (amount, "") if self.cents >= 0 else ("", -amount)
        return [self.customer, START + timedelta(self.day), amount, self.sign, debit, credit, self.kind]


LINES = st.lists(
    st.builds(
        Line,
        st.sampled_from(["Acme", "acme ", "Birch", ""]),
        st.integers(0, 6),
        st.one_of(st.integers(-6, 6), st.integers(-300, 300)),
        st.sampled_from(["C", "d"]),
        st.sampled_from(["open", "closed"]),
    ),
    max_size=12,
)


def write_csv(path, lines):
    with path.open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(NAMES)
        writer.writerows(line.row() for line in lines)
    return path


def write_xlsx(path, lines):
    book = openpyxl.Workbook()
    book.active.append(NAMES)
    for line in lines:
        book.active.append([value if value != "" else None for value in line.row()])
    book.save(path)
    return path


def write_parquet(path, lines):
    columns = list(zip(*(line.row() for line in lines), strict=True)) or [()] * len(NAMES)
    money = pa.decimal128(12, 2)
    types = [pa.string(), pa.date32(), money, pa.string(), money, money, pa.string()]
    arrays = [
        pa.array([None if value == "" else value for value in column], kind)
        for column, kind in zip(columns, types, strict=True)
    ]
    pq.write_table(pa.table(arrays, names=list(NAMES)), path)
    return path


WRITERS = {"csv": write_csv, "xlsx": write_xlsx, "parquet": write_parquet}


@st.composite
def questions(draw):
    """Params, and the same said for the oracle: which lines, which value, which rule."""
    source = draw(st.sampled_from(["column", "sign", "debit"]))
    grouped, dated = draw(st.booleans()), draw(st.booleans())
    target = draw(st.integers(-12, 12))
    params = {"target": float(Decimal(target).scaleb(-2))}
    params |= {
        "column": {"column": "Amount"},
        "sign": {"column": "Amount", "sign_column": "Sign"},
        "debit": {"debit_column": "Debit", "credit_column": "Credit"},
    }[source]
    rule = {"target": target}
    if grouped:
        params["equal_by"] = ["Customer"]
    if dated:
        days = draw(st.integers(0, 4))
        order = draw(st.sampled_from(["any", "forward", "backward"]))
        params |= {"date_column": "Date", "max_days": days, "date_order": order}
        rule |= {"max_days": days, "date_order": order}
    if draw(st.booleans()):
        tolerance = draw(st.integers(0, 5))
        params["tolerance"] = tolerance / 100
        rule["tolerance"] = tolerance
    elif draw(st.booleans()):
        params["tolerance_percent"] = 12.5
        rule["percent"] = Fraction(25, 2)
    where = draw(st.booleans())
    if where:
        params["where"] = [{"column": "Kind", "equals": ["OPEN"]}]
    least = draw(st.one_of(st.none(), st.integers(-5, 5)))
    if least is not None:
        params["min_amount"] = least / 100
    return params, oracle.Rule(**rule), (source, grouped, where, least)


def entries_of(lines, facts):
    source, grouped, where, least = facts
    codes, kept = {}, []
    for line in lines:
        value = -line.cents if source == "sign" and line.sign == "C" else line.cents
        name = line.customer.strip().casefold()
        if (grouped and not name) or (where and line.kind != "open") or (least is not None and value < least):
            continue
        kept.append(oracle.Entry(value, codes.setdefault(name, len(codes)) if grouped else 0, line.day))
    return kept


def places(found):
    """Pairs by their place among the entries that took part."""
    first = {int(place): at for at, place in enumerate(found.outcome.first.places)}
    second = first if found.outcome.second is None else {int(p): at for at, p in enumerate(found.outcome.second.places)}
    return [(first[left], second[right]) for left, right in listed(found)]


@pytest.mark.parametrize("kind", WRITERS)
@given(lines=LINES, question=questions(), mode=st.sampled_from(["first", "all", "once"]))
def test_options_give_what_the_oracle_gives(tmp_path_factory, kind, lines, question, mode):
    params, rule, facts = question
    path = WRITERS[kind](tmp_path_factory.mktemp("q") / f"ledger.{kind}", lines)
    entries = entries_of(lines, facts)
    asked = {"first": {"mode": "first"}, "all": {"mode": "all"}, "once": {"mode": "all", "one_to_one": True}}[mode]
    result, found = ask(path, **params, **asked, header_row=1)
    if mode == "first":
        expected = oracle.first_pair(rule, entries, None)
        assert places(found) == ([] if expected is None else [expected])
        assert result.found == (expected is not None)
    else:
        rule_of = {"all": oracle.every_pair, "once": oracle.pairs_once}[mode]
        expected = rule_of(rule, entries, None)
        assert places(found) == expected
        assert result.report.pairs == len(expected)
        counted, _ = ask(path, **params, **{**asked, "mode": "count"}, header_row=1)
        assert counted.report.pairs == len(expected)
        every = oracle.every_pair(rule, entries, None)
        ambiguous = sum(sum(at in pair for pair in every) > 1 for at in range(len(entries)))
        assert result.report.rows_ambiguous == ambiguous


@given(lines=LINES, others=LINES, target=st.integers(-5, 5), operation=st.sampled_from(["sum", "difference"]))
def test_one_table_against_another_is_the_oracle_s(tmp_path_factory, lines, others, target, operation):
    folder = tmp_path_factory.mktemp("ab")
    path = write_csv(folder / "ledger.csv", lines)
    write_csv(folder / "bank.csv", others)
    sign = 1 if operation == "sum" else -1
    first = [oracle.Entry(line.cents) for line in lines]
    second = [oracle.Entry(sign * line.cents) for line in others]
    params = {
        "column": "Amount",
        "header_row": 1,
        "target": target / 100,
        "against": {"filepath": "bank.csv", "header_row": 1, "operation": operation},
    }
    _, found = ask(path, **params, mode="all")
    assert places(found) == oracle.every_pair(oracle.Rule(target), first, second)
    _, found = ask(path, **params, mode="all", one_to_one=True)
    assert places(found) == oracle.pairs_once(oracle.Rule(target), first, second)


@given(lines=LINES)
def test_the_best_pair_is_as_near_as_any(tmp_path_factory, lines):
    path = write_csv(tmp_path_factory.mktemp("best") / "ledger.csv", lines)
    result, _ = ask(path, column="Amount", header_row=1, target=1, mode="best")
    nearest = oracle.least_deviation(oracle.Rule(100), [oracle.Entry(line.cents) for line in lines], None)
    deviations = [abs(pair.deviation) for pair in result.report.first_pairs]
    assert deviations == ([] if nearest is None else [Decimal(nearest) / 100])


def simple(path, *rows):
    with path.open("w", newline="") as target:
        csv.writer(target).writerows([["Amount", "Name"], *rows])
    return path


def test_a_tenth_and_two_tenths_are_three_tenths(tmp_path):
    path = simple(tmp_path / "a.csv", [0.1, "a"], [0.2, "b"], [0.1 + 0.2, "c"])
    assert cells(ask(path, target=0.3)[0]) == [("A2", "A3")]
    assert cells(ask(path, target=0.4)[0]) == [("A2", "A4")]


def test_amounts_beyond_64_bits_are_exact(tmp_path):
    huge = 10**30 + 1
    path = simple(tmp_path / "a.csv", [huge, "a"], [-(10**30), "b"], ["0.5", "c"])
    result, _ = ask(path, target=1, mode="all")
    assert (cells(result), result.numbers) == ([("A2", "A3")], [huge, -(10**30)])
    assert result.report.sum_first == huge


def test_a_cap_is_honest(tmp_path):
    path = simple(tmp_path / "a.csv", *([n % 2 * 2 - 1, "x"] for n in range(20)))
    report = ask(path, target=0, mode="all", max_pairs=7)[0].report
    assert (report.pairs, report.listed, report.truncated) == (100, 7, True)
    report = ask(path, target=0, mode="all", max_pairs=100)[0].report
    assert (report.pairs, report.listed, report.truncated) == (100, 100, False)


def test_several_targets_are_answered_and_one_to_one_uses_no_row_twice(tmp_path):
    path = simple(tmp_path / "a.csv", [1, ""], [2, ""], [3, ""], [4, ""])
    result, _ = ask(path, targets=[5, 7], mode="all")
    assert [(each.target, each.pairs) for each in result.report.by_target] == [(5, 2), (7, 1)]
    result, _ = ask(path, targets=[7, 5], mode="all", one_to_one=True)
    assert [(each.target, each.pairs) for each in result.report.by_target] == [(7, 1), (5, 0)]


def test_the_first_pair_of_each_target_uses_no_row_twice_either(tmp_path):
    path = simple(tmp_path / "a.csv", [3, ""], [4, ""], [3, ""], [4, ""])
    question = {"column": "Amount", "targets": [7, 7, 7], "mode": "first", "one_to_one": True}
    result, _ = ask(path, **question)
    assert cells(result) == [("A2", "A3"), ("A4", "A5")]
    assert [each.pairs for each in result.report.by_target] == [1, 1, 0]
    against = {"filepath": "a.csv", "operation": "sum"}
    assert cells(ask(path, **question, against=against)[0]) == [("A2", "A3"), ("A3", "A2"), ("A4", "A5")]


def test_whoever_watches_is_told_how_many_targets_are_done(tmp_path):
    path = simple(tmp_path / "a.csv", [3, ""], [4, ""])
    asked = TwoSumParams(filepath=path.name, column="Amount", targets=[7, 8, 9], mode="count")
    told = []
    with scan(asked, Folder(tmp_path), lambda *_: None, lambda: None, lambda *done: told.append(done)):
        assert told == [(0, 3), (1, 3), (2, 3)]


def test_targets_can_be_a_column(tmp_path):
    path = simple(tmp_path / "a.csv", [1, 5], [4, "x"], [3, 7])
    result, _ = ask(path, column="Amount", target_column="Name", mode="all")
    assert [(each.target, each.pairs) for each in result.report.by_target] == [(5, 1), (7, 1)]


def test_the_automatic_column_is_the_one_of_typed_amounts_where_they_are_read(tmp_path):
    lines = ["Nr;Datum;Kunde;Betrag", "1;01.02.2026;Acme;1.234,50", "2;02.02.2026;Birch 7;-1.234,50", "3;;Cedar;9,00"]
    (tmp_path / "g.csv").write_text("\n".join(lines))
    for style in ("auto", "1.234,56"):
        result, _ = ask(tmp_path / "g.csv", target=0, mode="all", text_numbers=style)
        assert (result.report.column, cells(result)) == ("Betrag", [("D2", "D3")])
    assert ask(tmp_path / "g.csv", target=3, mode="all")[0].report.column == "Nr"


@pytest.mark.parametrize(
    ("texts", "style", "pairs"),
    [
        (["1.234,56", "(34,56)"], "auto", 1),
        (["$1,234.56", "34.56-"], "auto", 1),
        (["€ 1'200.00", "0"], "1,234.56", 1),
        (["1.200", "0"], "auto", 0),  # twelve hundred, or one and a fifth: not guessed
        (["1.200", "0"], "1.234,56", 1),
        (["1 200", "0"], "auto", 1),
        (["12.34.56", "1200"], "auto", 0),
        (["1,00,200.00", "-99,000.00"], "auto", 1),
        (["12,00", "1188,00"], "1,234.56", 0),
        (["kr 1.300,00", "\u2013100,00 zł"], "auto", 1),
        (["R$ 1.300,00", "100,00- HUF"], "auto", 1),
        (["INV 1200", "0"], "auto", 0),
        (["1300,00 DR", "100,00 Cr."], "auto", 1),
        (["1300 (H)", "100 h"], "auto", 0),  # a letter may be a unit
        (["EUR1.300,00", "100,00-EUR"], "auto", 1),
        (["US$ 1,300.00", "(US$100.00)"], "auto", 1),
        (["kr. 1150", "kr. 50,00"], "auto", 1),  # once read as 0.1150
        (["CHF 1'150.-", "50.--"], "auto", 1),  # no cents, and no minus
        (["1.150,-", "50,-"], "auto", 1),
        (["(100-)", "1100"], "auto", 0),  # minus minus a hundred?
        (["12€00", "0"], "auto", 0),
        (["12 00", "0"], "auto", 0),
        (["1\n200", "0"], "auto", 0),  # two lines are no thousands
        (["1\u2009200\u200e", "\ufeff0"], "auto", 1),
        (["12,5%", "1187,5"], "auto", 0),  # an eighth, or twelve and a half
        (["1,150", "50", "Sum, total"], "auto", 0),  # what is no number proves no style
        (["1,150", "50.00", "Sum, total"], "auto", 1),
    ],
)
def test_text_numbers_are_read_on_request_and_never_guessed(tmp_path, texts, style, pairs):
    path = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    for row in [["Amount"], *([text] for text in texts)]:
        book.active.append(row)
    book.save(path)
    result, _ = ask(path, column="Amount", target=1200, mode="count", text_numbers=style)
    assert result.report.pairs == pairs
    assert ask(path, column="Amount", target=1200, mode="count")[0].report.rows_read == 0


@pytest.mark.parametrize("style", ["auto", "1.234,56"])
def test_in_a_text_file_of_decimal_commas_a_point_groups_thousands(tmp_path, style):
    (tmp_path / "g.csv").write_text("No;Amount\n1;1.234,56\n2;1.000\n3;-2.500 \n4;500,00\n5;12\n")
    result, _ = ask(tmp_path / "g.csv", column="Amount", target=-1500, mode="all", text_numbers=style)
    assert cells(result) == [("B3", "B4")]
    assert [(pair.first.value, pair.second.value) for pair in result.report.first_pairs] == [(1000, -2500)]


def test_in_a_text_file_that_proves_no_style_a_point_before_three_digits_is_not_guessed(tmp_path):
    (tmp_path / "g.csv").write_text("Amount\n1.000\n2.500\n12\n")
    result, _ = ask(tmp_path / "g.csv", column="Amount", target=14.5, mode="all", text_numbers="auto")
    assert [(cell.cell, cell.reason, cell.shown) for cell in result.report.skipped_cells] == [
        ("A2", "ambiguous_text", "1.000"),
        ("A3", "ambiguous_text", "2.500"),
    ]
    assert ask(tmp_path / "g.csv", column="Amount", target=14.5, mode="count")[0].report.pairs == 1
    (tmp_path / "p.csv").write_text("Amount\n1.000\n2.500\n12\n0.25\n")
    assert ask(tmp_path / "p.csv", column="Amount", target=14.5, mode="count", text_numbers="auto")[0].report.pairs == 1


def test_the_words_beside_an_amount_are_those_of_the_sign_column(tmp_path):
    path = simple(tmp_path / "s.csv", ["100.00 OUT", ""], ["30.00 IN", ""])
    words = {"negative_signs": ["out"], "positive_signs": ["in"]}
    result, _ = ask(path, column="Amount", target=-70, mode="all", text_numbers="auto", **words)
    assert cells(result) == [("A2", "A3")]


def test_every_sheet_can_be_asked_together(tmp_path):
    book = openpyxl.Workbook()
    for name, values in (("One", [1, 2]), ("Two", [3, 4])):
        sheet = book.create_sheet(name)
        for row in [["Amount"], *([value] for value in values)]:
            sheet.append(row)
    del book["Sheet"]
    book.save(tmp_path / "s.xlsx")
    result, _ = ask(tmp_path / "s.xlsx", sheet="*", target=6, mode="all")
    pair = result.report.first_pairs[0]
    assert [(spot.sheet, spot.cell, spot.position) for spot in (pair.first, pair.second)] == [
        ("One", "A3", 1),
        ("Two", "A3", 1),
    ]


def test_dates_of_both_systems_and_of_texts_are_the_same_days(tmp_path):
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for row in [["Amount", "Date"], [1, date(2026, 1, 5)], [2, "2026-01-05"], [2, "06.01.2026"], [2, "soon"]]:
        book.active.append(row)
    book.save(tmp_path / "d.xlsx")
    result, _ = ask(tmp_path / "d.xlsx", column="Amount", date_column="Date", max_days=0, target=3, mode="all")
    assert cells(result) == [("A2", "A3")]
    assert result.report.skipped == {"no_date": 1}


def test_moments_count_as_their_day_and_a_cell_that_names_none_is_shown(tmp_path):
    book = openpyxl.Workbook()
    for row in [["Amount", "Date"], [1, datetime(2026, 1, 5, 23, 59, 1)], [2, "05-Jan-2026"], [9, "next week"]]:  # noqa: DTZ001
        book.active.append(row)
    book.save(tmp_path / "d.xlsx")
    result, _ = ask(tmp_path / "d.xlsx", column="Amount", date_column="Date", max_days=0, target=3, mode="all")
    assert cells(result) == [("A2", "A3")]
    assert [(skip.cell, skip.shown) for skip in result.report.skipped_cells] == [("B4", "next week")]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026/01/05", date(2026, 1, 5)),
        ("5 January 2026", date(2026, 1, 5)),
        ("Jan. 5, 2026", date(2026, 1, 5)),
        ("5-JAN-2026 10:00", date(2026, 1, 5)),
        ("25-01-2026", None),
        ("2026-01/05", None),
        ("31 Feb 2026", None),
        ("5 Mai 2026", None),
    ],
)
def test_a_date_is_read_in_one_way_or_not_at_all(text, day):
    assert dates.day_of(text) == (None if day is None else dates.serial(day))


def test_a_dashed_date_is_read_where_the_column_proves_its_order():
    proven = dates.month_comes_first(["01-02-2026", "25-01-2026", "12/31/2026", "5/5/2026"])
    assert dates.day_of("01-02-2026", proven) == dates.serial(date(2026, 2, 1))
    assert dates.day_of("01/02/2026", proven) == dates.serial(date(2026, 1, 2))
    assert dates.month_comes_first(["12/31/2026", "31/12/2026"]) == {}


def test_signs_are_read_with_their_full_stop_and_can_be_words_of_one_s_own(tmp_path):
    path = tmp_path / "signs.csv"
    path.write_text("Amount,Way\n5,Dr.\n5,Cr.\n6,IN\n6,OUT\n")
    result, _ = ask(path, column="Amount", sign_column="Way", target=0, mode="all")
    assert (cells(result), result.report.skipped) == ([("A2", "A3")], {"unknown_sign": 2})
    own = {"negative_signs": ["out"], "positive_signs": ["in"]}
    result, _ = ask(path, column="Amount", sign_column="Way", target=0, mode="all", **own)
    assert (cells(result), result.report.skipped) == ([("A4", "A5")], {"unknown_sign": 2})


def test_targets_can_stand_on_another_sheet_or_in_another_file(tmp_path):
    book = openpyxl.Workbook()
    for sheet, rows in (
        (book.active, [["Item", "Open"], ["a", 1], ["b", 2], ["c", 4]]),
        (book.create_sheet("Bank"), BANK),
    ):
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "items.xlsx")
    (tmp_path / "bank.csv").write_text("".join(f"{who},{paid}\n" for who, paid in BANK))
    for table in ({"sheet": "Bank"}, {"filepath": "bank.csv"}):
        asked = {"column": "Open", "target_column": "Paid", "target_table": table, "mode": "all"}
        result, _ = ask(tmp_path / "items.xlsx", **asked)
        assert cells(result) == [("B2", "B3"), ("B3", "B4")]
        assert [(each.target, each.pairs, each.cell) for each in result.report.by_target] == [
            (3, 1, "B2"),
            (7, 0, "B3"),
            (6, 1, "B4"),
        ]
        asked["target_table"] = table | {"where": [{"column": "Who", "equals": ["Acme"]}]}
        assert cells(ask(tmp_path / "items.xlsx", **asked)[0]) == [("B2", "B3")]


def test_numbers_that_were_typed_as_text_are_pointed_out(tmp_path):
    path = tmp_path / "semicolons.csv"
    path.write_text("Betrag;Text\n1,50;a\n-1,50;b\nn/a;c\n")
    result, _ = ask(path, column="Betrag", target=0, mode="all")
    assert (result.found, result.report.rows_read) == (False, 0)
    assert result.report.advice.startswith("3 cells were left out as texts, and some of them are numbers")
    assert result.report.advice.endswith("'1.234,56'")
    result, _ = ask(path, column="Betrag", target=0, mode="all", text_numbers="1.234,56")
    assert (result.found, result.report.advice) == (True, None)


def test_chance_and_advice_tell_a_coincidence_from_a_match(tmp_path):
    rows = [[(n * 7919) % 1009 - 504, f"c{n % 10}"] for n in range(3000)]
    report = ask(simple(tmp_path / "dense.csv", *rows), column="Amount", target=0, mode="count")[0].report
    assert report.pairs / 2 < report.chance_pairs < report.pairs * 2
    assert "requiring the same 'Name'" in report.advice
    sparse = [[n * n * 10_007 + 3, "x"] for n in range(1, 40)]
    report = ask(simple(tmp_path / "sparse.csv", *sparse), column="Amount", target=50_041, mode="count")[0].report
    assert (report.pairs, report.advice) == (1, None)
    assert report.chance_pairs < 0.01


def test_the_second_question_reads_no_workbook(tmp_path):
    path = simple(tmp_path / "a.csv", [1, "a"], [2, "b"], [3, "c"])
    assert ask(path, column="Amount", target=3)[1].was_read
    result, found = ask(path, column="Amount", target=5)
    assert not found.was_read
    assert cells(result) == [("A3", "A4")]


def test_options_that_contradict_each_other_are_refused():
    path_only = {"filepath": "x.csv", "target": 1}
    for wrong in (
        {"nums": [1, 2]},
        {"targets": [1]},
        {"tolerance": 1, "tolerance_percent": 1},
        {"mode": "best", "tolerance": 1},
        {"max_days": 1},
        {"debit_column": "A"},
        {"file": "0" * 36},
    ):
        with pytest.raises(ValueError, match=r"give|takes|need|both|together"):
            ask_params(**path_only, **wrong)


def ask_params(**params):
    from tasks.two_sum.contract import TwoSumParams

    return TwoSumParams.model_validate(params)


def test_no_column_of_numbers_is_an_error_that_says_so(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text("Name,City\na,b\nc,d\n")
    with pytest.raises(InvalidInputError, match="no column holds numbers"):
        ask(path, target=1)
