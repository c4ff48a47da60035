"""Files are scanned where the numbers stand: cells are the sheet's own, and what is no number is named."""

import csv
import re
from collections import Counter

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InvalidInputError
from tasks.gap_scan import files, groups
from tasks.gap_scan.mask import parse_mask
from tasks.gap_scan.reporting import result_of
from tasks.gap_scan.scan import Question, scan_file
from tasks.gap_scan.series import Bounds

INVOICE = parse_mask("INV-{year}-{000000}")


def write(path, rows):
    match path.suffix:
        case ".xlsx":
            book = openpyxl.Workbook()
            for row in rows:
                book.active.append(row)
            book.save(path)
        case ".csv":
            with path.open("w", newline="") as opened:
                csv.writer(opened).writerows(rows)
        case ".parquet":
            columns = list(zip(*rows[1:], strict=True)) or [()] * len(rows[0])
            pq.write_table(pa.table(dict(zip(rows[0], columns, strict=True))), path)
    return path


FORMATS = pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".parquet"])


@FORMATS
def test_missing_and_doubled_numbers_with_their_cells(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", [["Note", "Number"], *[["x", n] for n in (1, 2, 5, 5, 9, 2)]])
    report = scan_file(path, Question(column="Number"))
    [group] = report.groups
    assert group.series.missing.pairs() == [(3, 4), (6, 8)]
    cells = [report.cell(row) for row in group.series.doubled_cells.rows]
    assert (group.series.doubled_cells.numbers, cells) == ((2, 2, 5, 5), ["B3", "B7", "B4", "B5"])


@FORMATS
def test_masked_numbers_by_year_with_what_breaks_the_mask(tmp_path, suffix):
    invoices = ["INV-2024-000001", "INV-2024-000003", "INV-2023-000007", "inv-2024-000002", "INV-2023-000009", "?"]
    path = write(tmp_path / f"a{suffix}", [["Invoice"], *[[one] for one in invoices]])
    report = scan_file(path, Question(column="Invoice", mask=INVOICE))
    missing = {group.label["year"]: group.series.missing.pairs() for group in report.groups}
    assert missing == {"2023": [(8, 8)], "2024": [(2, 2)]}
    assert [(report.cell(one.row), one.value) for one in report.breakers] == [("A5", "inv-2024-000002"), ("A7", "?")]
    assert report.shown(8, {"year": "2023"}) == "INV-2023-000008"


@FORMATS
def test_groups_of_another_column(tmp_path, suffix):
    rows = [["Number", "Series"], [1, "A"], [4, "A"], [10, "B"], [12, "B"], [11, "A"]]
    report = scan_file(write(tmp_path / f"a{suffix}", rows), Question(column="Number", group_by=["Series"]))
    found = [(group.label, group.series.missing.pairs()) for group in report.groups]
    assert found == [({"Series": "A"}, [(2, 3), (5, 10)]), ({"Series": "B"}, [(11, 11)])]


def test_what_is_no_whole_number_is_named_with_its_cell_and_reason(tmp_path):
    values = [1, 2.5, True, "seven", "0003", 10**19, "=1/0", None, 5]
    path = write(tmp_path / "a.xlsx", [["Number"], *[[value] for value in values]])
    report = scan_file(path, Question(column="Number"))
    assert [(one.row, one.reason) for one in report.breakers] == [
        (3, "not a whole number"),
        (4, "true or false, no number"),
        (5, "not a number"),
        (7, "beyond 10 to the 18"),
        (8, "a formula without a saved result"),
    ]
    assert report.groups[0].series.missing.pairs() == [(2, 2), (4, 4)]


def test_numbers_that_a_sheet_stored_without_their_zeros_fit_a_mask_of_digits(tmp_path):
    path = write(tmp_path / "a.xlsx", [["No"], [7], ["000009"], [1_000_000], ["9"]])
    report = scan_file(path, Question(column="No", mask=parse_mask("{000000}"), bounds=Bounds(end=10)))
    [group] = report.groups
    assert (group.series.missing.pairs(), group.series.outside_range.numbers) == ([(8, 8), (10, 10)], (1_000_000,))
    assert [one.value for one in report.breakers] == ["9"]


def test_without_a_column_the_one_that_fits_the_mask_is_taken(tmp_path):
    rows = [["Id", "Text", "Invoice"], [1, "a", "INV-2024-000001"], [2, "b", "INV-2024-000002"]]
    report = scan_file(write(tmp_path / "a.xlsx", rows), Question(mask=INVOICE))
    assert report.column.name == "Invoice"
    with pytest.raises(InvalidInputError, match="no column starts with numbers like"):
        scan_file(tmp_path / "a.xlsx", Question(mask=parse_mask("X{0}")))


def test_voided_numbers_are_not_missing_and_used_ones_are_told(tmp_path):
    path = write(
        tmp_path / "a.csv",
        [["I"], *[[f"INV-2024-{n:06}"] for n in (1, 5, 9)], ["INV-2025-000001"], ["INV-2025-000009"]],
    )
    voided = ["INV-2024-000002..INV-2024-000004", 6, "7..7", "INV-2024-000009"]
    report = scan_file(path, Question(column="I", mask=INVOICE, voided=voided))
    first, second = (group.series for group in report.groups)
    assert (first.missing.pairs(), first.voided_used.pairs()) == ([(8, 8)], [(9, 9)])
    assert second.missing.pairs() == [(2, 5), (8, 8)]


@pytest.mark.parametrize(
    ("voided", "mask", "why"),
    [
        ("abc", None, "no mask"),
        ("abc", INVOICE, "does not fit"),
        ("INV-2024-000001..INV-2025-000002", INVOICE, "leaves its group"),
        ("INV-2024-000001..x", INVOICE, "does not fit"),
    ],
)
def test_a_voided_number_that_cannot_be_meant_is_refused(tmp_path, voided, mask, why):
    path = write(tmp_path / "a.csv", [["I"], ["INV-2024-000001"]])
    with pytest.raises(InvalidInputError, match=why):
        scan_file(path, Question(column="I", mask=mask, voided=[voided]))


def test_more_groups_than_anybody_reads_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(groups, "MOST_GROUPS", 3)
    path = write(tmp_path / "a.csv", [["N", "G"], *[[n, f"g{n}"] for n in range(4)]])
    with pytest.raises(InvalidInputError, match="4 groups"):
        scan_file(path, Question(column="N", group_by=["G"]))


@FORMATS
def test_a_column_without_numbers_has_no_gaps(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", [["N", "M"], ["", "x"]])
    report = scan_file(path, Question(column="N", bounds=Bounds(start=1)))
    assert sum(group.series.missing_count for group in report.groups) == 0
    ranged = scan_file(path, Question(column="N", bounds=Bounds(start=1, end=3)))
    assert [group.series.missing.pairs() for group in ranged.groups] == [[(1, 3)]]


def test_a_parquet_column_of_integers_with_nulls_is_streamed_as_it_is_read(tmp_path):
    numbers = [5, None, 7, 7, 2**62]
    plain = pa.table({"N": pa.array(numbers, pa.int64())})
    pq.write_table(plain, tmp_path / "wide.parquet")
    wide = scan_file(tmp_path / "wide.parquet", Question(column="N"))
    assert [(one.row, one.reason) for one in wide.breakers] == [(6, "beyond 10 to the 18")]
    pq.write_table(plain.slice(0, 4), tmp_path / "plain.parquet")
    report = scan_file(tmp_path / "plain.parquet", Question(column="N"))
    assert report.groups[0].series.doubled_cells.rows == (4, 5)


TEXTS = st.one_of(
    st.integers(-5, 40).map(str),
    st.builds("INV-{}-{:06d}".format, st.sampled_from([2023, 2024]), st.integers(0, 30)),
    st.text("INV-2024 0", max_size=12),
)


@given(st.lists(st.tuples(TEXTS, st.sampled_from(["A", "B", ""])), min_size=1, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_file_is_scanned_as_a_slow_reader_would(tmp_path, rows):
    path = write(tmp_path / "a.csv", [["Invoice", "Branch", "Z"], *[[*row, "z"] for row in rows]])
    report = scan_file(path, Question(column="Invoice", header_row=1, mask=INVOICE, group_by=["Branch"]))
    pattern = re.compile(r"\s*INV-(\d{4})-(\d{6}|[1-9]\d{6,17})\s*", re.ASCII)
    wanted = {}
    broken = []
    for place, (text, branch) in enumerate(rows, 2):
        if found := pattern.fullmatch(text):
            wanted.setdefault((found[1], branch), Counter())[int(found[2])] += 1
        elif text.strip():
            broken.append(place)
    assert [one.row for one in report.breakers] == broken
    assert [tuple(group.label.values()) for group in report.groups] == sorted(wanted)
    for group in report.groups:
        numbers = wanted[tuple(group.label.values())]
        missing = set(range(min(numbers), max(numbers) + 1)) - set(numbers)
        assert {n for a, b in group.series.missing.pairs() for n in range(a, b + 1)} == missing
        assert Counter(group.series.doubled_cells.numbers) == {n: c for n, c in numbers.items() if c > 1}


@pytest.mark.parametrize(("most", "left_off"), [(3, 6), (9, None)])
def test_a_sheet_that_ends_before_its_list_says_so(tmp_path, monkeypatch, most, left_off):
    monkeypatch.setattr(files, "MOST_SHEET_ROWS", most)
    path = write(tmp_path / "a.csv", [["Number"], *[[n] for n in range(1, 20, 2)]])
    report = scan_file(path, Question(column="Number"))
    made = tmp_path / "gaps.xlsx"
    files.write_workbook(made, files.Lists(report, 1000), result_of(report, "", 1000, 0), lambda _: None)
    rows = [row[0] for row in openpyxl.load_workbook(made)["Missing"].iter_rows(min_row=2, values_only=True)]
    shown = list(range(2, 19, 2))[:most]
    assert rows == (shown if left_off is None else [*shown, f"{left_off} more rows are in missing.csv alone"])
