"""Every way of writing a sheet gives the same cells, quick or not."""

# ruff: noqa: E501, ISC004 - XML is shown as it stands in the file

import zipfile
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInputError, UnreadableFileError
from core.workbook import fast_sheet, header
from core.workbook.opening import open_source
from tests.workbook import handmade
from tests.workbook.handmade import MAIN, SHEET, workbook
from tests.workbook.reading import both, read

ODDITIES = {
    "plain": (
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="3"><c r="A3"><v>2.50</v></c></row>',
        {1: Decimal(1), 3: Decimal("2.5")},
    ),
    "styles and types": (
        '<row r="1"><c r="A1" s="3" t="n"><v>-1</v></c><c r="B1"><v>9</v></c></row>',
        {1: Decimal(-1)},
    ),
    "no addresses": (
        "<row><c><v>1</v></c><c><v>9</v></c></row><row><c><v>2</v></c></row>",
        {1: Decimal(1), 2: Decimal(2)},
    ),
    "rows numbered, cells not": (
        '<row r="5"><c><v>1</v></c></row><row><c><v>2</v></c></row>',
        {5: Decimal(1), 6: Decimal(2)},
    ),
    "cells numbered, rows not": ('<row><c r="A7"><v>1</v></c></row>', {7: Decimal(1)}),
    "attributes in another order": ('<row r="1"><c s="1" t="n" r="A1"><v>1</v></c></row>', {1: Decimal(1)}),
    "odd spaces": ("<row r='1'><c  r = 'A1' ><v> 12 </v></c></row>", {1: Decimal(12)}),
    "character references": ('<row r="1"><c r="A1"><v>&#49;1</v></c></row>', {1: Decimal(11)}),
    "cdata": ('<row r="1"><c r="A1"><v><![CDATA[11]]></v></c></row>', {1: Decimal(11)}),
    "a comment in a value": ('<row r="1"><c r="A1"><v>1<!-- one -->1</v></c></row>', {1: Decimal(11)}),
    "a cell inside a comment": (
        '<!-- <c r="A1"><v>9</v></c> --><row r="1"><c r="A1"><v>1</v></c></row>',
        {1: Decimal(1)},
    ),
    "a processing instruction": ('<row r="1"><c r="A1"><v>1<?x y?>2</v></c></row>', {1: Decimal(12)}),
    "inline text": (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>a&amp;b</t></is></c></row>',
        {1: ("TEXT", "a&b")},
    ),
    "rich inline text": (
        '<row r="1"><c r="A1" t="inlineStr"><is><r><t>a</t></r><r><t xml:space="preserve"> b</t></r></is></c></row>',
        {1: ("TEXT", "a b")},
    ),
    "text that looks like a cell": (
        '<row r="1"><c r="B1" t="inlineStr"><is><t>c r="A1"&gt;&lt;v&gt;5</t></is></c></row>'
        '<row r="2"><c r="A2"><v>1</v></c></row>',
        {2: Decimal(1)},
    ),
    "formula text": (
        '<row r="1"><c r="A1" t="str"><f>B1&amp;"x"</f><v>yx</v></c></row>',
        {1: ("TEXT", "yx")},
    ),
    "formula with value": ('<row r="1"><c r="A1"><f>1+1</f><v>2</v></c></row>', {1: Decimal(2)}),
    "shared formula": (
        '<row r="1"><c r="A1"><f t="shared" ref="A1:A2" si="0">B1</f><v>2</v></c></row>'
        '<row r="2"><c r="A2"><f t="shared" si="0"/><v>3</v></c></row>',
        {1: Decimal(2), 2: Decimal(3)},
    ),
    "formula without value": ('<row r="1"><c r="A1"><f>1+1</f></c></row>', {1: "NO_VALUE"}),
    "formula with an empty value": ('<row r="1"><c r="A1"><f>1+1</f><v></v></c></row>', {1: "NO_VALUE"}),
    "booleans": (
        '<row r="1"><c r="A1" t="b"><v>1</v></c></row><row r="2"><c r="A2" t="b"><v>0</v></c></row>',
        {1: True, 2: False},
    ),
    "errors": ('<row r="1"><c r="A1" t="e"><v>#DIV/0!</v></c></row>', {1: ("ERROR", "#DIV/0!")}),
    "shared strings": (
        '<row r="1"><c r="A1" t="s"><v>1</v></c></row><row r="2"><c r="A2" t="s"><v>0</v></c></row>',
        {1: ("TEXT", "second"), 2: ("TEXT", "first")},
    ),
    "iso dates": ('<row r="1"><c r="A1" t="d"><v>2026-01-02</v></c></row>', {1: ("TEXT", "2026-01-02")}),
    "empty cells": (
        '<row r="1"><c r="A1" s="1"/><c r="B1"/></row><row r="2"/><row r="4"><c r="A4"></c></row>',
        {},
    ),
    "an empty value": ('<row r="1"><c r="A1"><v/></c></row><row r="2"><c r="A2"><v></v></c></row>', {}),
    "exponents": (
        '<row r="1"><c r="A1"><v>1.5E-3</v></c></row><row r="2"><c r="A2"><v>1E+20</v></c></row>',
        {1: Decimal("0.0015"), 2: Decimal(10**20)},
    ),
    "noise of doubles": (
        '<row r="1"><c r="A1"><v>940438.1899999999</v></c></row>',
        {1: Decimal("940438.19")},
    ),
    "sixteen whole digits": (
        '<row r="1"><c r="A1"><v>9007199254740993</v></c></row>',
        {1: Decimal(9007199254740993)},
    ),
    "thirty whole digits": (
        f'<row r="1"><c r="A1"><v>{"1234567890" * 3}</v></c></row>',
        {1: Decimal("1234567890" * 3)},
    ),
    "the last row and a far column": (
        '<row r="1048576"><c r="A1048576"><v>5</v></c><c r="XFD1048576"><v>1</v></c></row>',
        {1048576: Decimal(5)},
    ),
    "columns that share letters": (
        '<row r="1"><c r="A1"><v>1</v></c><c r="AA1"><v>2</v></c><c r="AAA1"><v>3</v></c></row>',
        {1: Decimal(1)},
    ),
    "rows out of order": (
        '<row r="3"><c r="A3"><v>3</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>',
        {3: Decimal(3), 1: Decimal(1)},
    ),
    "an address in character references": (
        '<row r="1"><c r="B1"><v>2</v></c></row><row r="2"><c r="A&#50;"><v>1</v></c></row>'
        '<row r="3"><c r="&#65;3"><v>3</v></c></row>',
        {2: Decimal(1), 3: Decimal(3)},
    ),
    "addresses in small letters": ('<row r="1"><c r="a1"><v>1</v></c><c r="b1"><v>2</v></c></row>', {1: Decimal(1)}),
    "a number that is none": ('<row r="1"><c r="A1"><v>abc</v></c></row>', {1: ("TEXT", "abc")}),
    "new lines between tags": ('\n <row r="1">\n  <c r="A1">\n <v>1</v>\n </c>\n </row>\n', {1: Decimal(1)}),
    "an extension": (
        '<row r="1"><c r="A1"><v>1</v><extLst><ext uri="x"><z xmlns="urn:z"><v>7</v></z></ext></extLst></c></row>',
        {1: Decimal(1)},
    ),
    "another vocabulary inside": (
        '<row r="1"><z:c xmlns:z="urn:z" r="A1"><z:v>7</z:v></z:c><c r="A1"><v>1</v></c></row>',
        {1: Decimal(1)},
    ),
}


@pytest.mark.parametrize(("rows", "expected"), ODDITIES.values(), ids=ODDITIES)
def test_an_oddly_written_sheet_reads_right(tmp_path, rows, expected):
    assert both(workbook(tmp_path / "odd.xlsx", rows, strings=["first", "second"])) == expected


@pytest.mark.parametrize("column", ["B", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD"])
def test_any_column_can_be_read(tmp_path, column):
    cells = "".join(
        f'<c r="{letters}{row}"><v>{row}{at}</v></c>'
        for row in (1,)
        for at, letters in enumerate(["A", "B", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD"])
    )
    path = workbook(tmp_path / "wide.xlsx", f'<row r="1">{cells}</row>')
    at = ["A", "B", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD"].index(column)
    assert both(path, column) == {1: Decimal(f"1{at}")}


def test_a_prefixed_sheet_reads_right(tmp_path):
    sheet = f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    assert both(handmade.write(tmp_path / "p.xlsx", handmade.parts({"S": sheet}))) == {1: Decimal(1)}


def test_a_sheet_of_two_prefixes_reads_right(tmp_path):
    rows = (
        f'<row r="1"><c r="A1"><v>1</v></c></row><x:row xmlns:x="{MAIN}" r="2"><x:c r="A2"><x:v>2</x:v></x:c></x:row>'
    )
    assert both(workbook(tmp_path / "p.xlsx", rows)) == {1: Decimal(1), 2: Decimal(2)}


def test_a_strict_workbook_reads_right(tmp_path):
    sheet = (SHEET % '<row r="1"><c r="A1"><v>1</v></c></row>').replace(
        MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main"
    )
    assert both(handmade.write(tmp_path / "s.xlsx", handmade.parts({"S": sheet}))) == {1: Decimal(1)}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "iso-8859-1", "utf-8-sig"])
def test_a_sheet_in_another_encoding_reads_right(tmp_path, encoding):
    name = "UTF-8" if encoding == "utf-8-sig" else encoding.upper().removesuffix("-LE")
    text = (SHEET % '<row r="1"><c r="A1"><v>11</v></c></row>').replace("UTF-8", name)
    data = (b"\xff\xfe" if encoding == "utf-16-le" else b"") + text.encode(encoding)
    assert both(handmade.write(tmp_path / "e.xlsx", handmade.parts({"S": data}))) == {1: Decimal(11)}


def test_a_stored_archive_and_one_with_data_descriptors_read_right(tmp_path):
    content = handmade.parts({"S": SHEET % '<row r="1"><c r="A1"><v>1</v></c></row>'})
    assert both(handmade.write(tmp_path / "stored.xlsx", content, zipfile.ZIP_STORED)) == {1: Decimal(1)}
    with (
        handmade.Unseekable(tmp_path / "stream.xlsx") as target,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, data in content.items():
            archive.writestr(name, data)
    assert both(tmp_path / "stream.xlsx") == {1: Decimal(1)}


def test_zip64_entries_read_right(tmp_path):
    path = tmp_path / "large.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in handmade.parts({"S": SHEET % '<row r="1"><c r="A1"><v>1</v></c></row>'}).items():
            with archive.open(name, "w", force_zip64=True) as part:
                part.write(data)
    assert both(path) == {1: Decimal(1)}


def test_the_declared_dimension_is_not_believed(tmp_path):
    sheet = (SHEET % '<row r="1"><c r="A1"><v>1</v></c></row><row r="9"><c r="A9"><v>2</v></c></row>').replace(
        "<sheetData>", '<dimension ref="A1"/><sheetData>'
    )
    assert both(handmade.write(tmp_path / "d.xlsx", handmade.parts({"S": sheet}))) == {
        1: Decimal(1),
        9: Decimal(2),
    }


def test_rows_over_many_pieces_are_all_read(tmp_path):
    rows = "".join(
        f'<row r="{n}"><c r="A{n}"><v>{n * 7919 % 100_003 / 100!r}</v></c><c r="B{n}" t="s"><v>{n % 3}</v></c></row>'
        for n in range(1, 60_001)
    )
    path = workbook(tmp_path / "many.xlsx", rows, strings=["x", "y", "z"])
    assert both(path, "A") == {n: Decimal(n * 7919 % 100_003).scaleb(-2).normalize() + 0 for n in range(1, 60_001)}
    assert both(path, "B", first_row=30_000) == {n: ("TEXT", "xyz"[n % 3]) for n in range(30_000, 60_001)}


VALUES = st.one_of(
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-1e6, 1e6).map(lambda value: repr(round(value, 2))),
    st.sampled_from(["", " ", "1 ", "0.30000000000000004", "-0.0", "1e5", "000123", "12.", "&#49;"]),
)
SHAPES = st.sampled_from(
    [
        '<c r="{a}"><v>{v}</v></c>',
        '<c r="{a}" s="12" t="n"><v>{v}</v></c>',
        '<c r="{a}" s="1"><f>SUM(B1:B2)</f><v>{v}</v></c>',
        '<c r="{a}" s="4"/>',
        '<c r="{a}" t="inlineStr"><is><t>{v}</t></is></c>',
        '<c r="{a}" t="str"><v>{v}</v></c>',
        '<c r="{a}"></c>',
        '<c r="{a}" cm="1" vm="2"><v>{v}</v></c>',
        '<c r="{a}" t="b"><v>1</v></c>',
        '<c r="{a}"><v>{v}</v><extLst/></c>',
        '<c r="{a}">\n<v>{v}</v>\n</c>',
    ]
)


@given(st.lists(st.tuples(SHAPES, SHAPES, VALUES, VALUES, st.integers(1, 3)), max_size=30))
def test_the_quick_reader_is_the_general_reader(tmp_path_factory, cells):
    row, rows = 0, []
    for shape_a, shape_b, value_a, value_b, step in cells:
        row += step
        rows.append(
            f'<row r="{row}">{shape_a.format(a=f"A{row}", v=value_a)}{shape_b.format(a=f"AB{row}", v=value_b)}</row>'
        )
    path = workbook(tmp_path_factory.mktemp("h") / "h.xlsx", "".join(rows))
    both(path, "A")
    both(path, "AB")


def test_ordinary_sheets_go_the_quick_way_and_others_do_not():
    ordinary = (SHEET % '<row r="1"><c r="A1"><v>1</v></c></row>').encode()
    assert len(fast_sheet.read_columns([ordinary], [0], 1)[0]) == 1
    for odd in (
        ordinary.replace(b'<c r="A1">', b'<c s="1" r="A1">'),
        ordinary.replace(b"1</v>", b"<!---->1</v>"),
    ):
        with pytest.raises(fast_sheet.UnusualSheetError):
            fast_sheet.read_columns([odd], [0], 1)


def test_a_column_and_a_sheet_that_are_not_there_name_the_nearest(tmp_path):
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>Amount</t></is></c><c r="B1" t="inlineStr"><is><t>Customer</t></is></c></row>'
        '<row r="2"><c r="A2"><v>1</v></c><c r="B2"><v>2</v></c></row>'
    )
    with open_source(workbook(tmp_path / "n.xlsx", rows)) as source:
        found = header.guess(source.head(source.sheets[0]))
        assert found.find("Amount").index == found.find(" amount").index == found.find("A").index == 0
        assert found.automatic().name == "Amount"
        with pytest.raises(
            InvalidInputError, match=r"no column 'Amuont'; there are Amount, Customer; did you mean 'Amount'"
        ):
            found.find("Amuont")
        with pytest.raises(InvalidInputError, match=r"no sheet 'Shet1'; there are Sheet1; did you mean 'Sheet1'"):
            header.find_sheets(source.sheets, "Shet1")
        with pytest.raises(InvalidInputError, match=r"no sheet 3"):
            header.find_sheets(source.sheets, 3)


def test_a_title_above_the_header_does_not_hide_it(tmp_path):
    rows = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>Ledger 2026</t></is></c></row>'
        '<row r="3"><c r="A3" t="inlineStr"><is><t>Date</t></is></c><c r="B3" t="inlineStr"><is><t>Amount</t></is></c></row>'
        '<row r="4"><c r="A4"><v>45000</v></c><c r="B4"><v>12.5</v></c></row>'
    )
    with open_source(workbook(tmp_path / "t.xlsx", rows)) as source:
        head = source.head(source.sheets[0])
        assert header.guess(head).row == header.holding(head, "amount").row == 3
        assert header.guess(head).automatic().letter == "B"


def test_a_shared_string_that_is_not_there_is_an_error(tmp_path):
    path = workbook(tmp_path / "s.xlsx", '<row r="1"><c r="A1" t="s"><v>5</v></c></row>', strings=["one"])
    with pytest.raises(UnreadableFileError, match="shared string 5, but the table ends at 0"):
        read(path)
