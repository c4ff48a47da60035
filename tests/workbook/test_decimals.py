"""Numbers are what Excel shows, exactly; and many at once are what one by one are."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.workbook import decimals
from core.workbook.cells import CellsBuilder
from core.workbook.text_cells import add_texts
from core.workbook.vector_decimals import from_floats
from tests.workbook.reading import plain, shown


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.30000000000000004", "0.3"),
        ("940438.1899999999", "940438.19"),
        ("9007199254740993", "9007199254740993"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1.2345678901234567E+16", "12345678901234600"),
        ("-1e3", "-1000"),
        (".5", "0.5"),
        ("5.", "5"),
        (" 7 ", "7"),
        ("-0", "0"),
        ("1E-2", "0.01"),
        ("0e99999", "0"),
        ("9999999999999.95", "9999999999999.95"),
        ("999999999999999.95", "1000000000000000"),
    ],
)
def test_a_text_is_the_number_excel_shows(text, value):
    assert decimals.as_decimal(*decimals.parse(text)) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "-", ".", "1,5", "0x10", "1e", "nan", "inf", "1e400", "--1", "1 2", "\u0661", "1e-9999"]
)
def test_what_is_no_number_is_none(text):
    assert decimals.parse(text) is None


def folded(text: str) -> Decimal:
    """The same rule said with the decimal module."""
    value = Decimal(text)
    digits = len(value.as_tuple().digits)
    if ("." in text or "e" in text.lower()) and digits > 15:
        quantum = Decimal(1).scaleb(value.adjusted() - 14)
        value = value.quantize(quantum, rounding=ROUND_HALF_UP)
    return value


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**17), max_value=10**17, places=3))
def test_folding_agrees_with_the_decimal_module(value):
    assert decimals.as_decimal(*decimals.parse(f"{value:f}")) == folded(f"{value:f}")


NUMBER_TEXTS = st.one_of(
    st.integers(-(10**22), 10**22).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-1e7, 1e7).map(lambda value: repr(round(value, 2))),
    st.from_regex(r"-?[0-9]{0,20}(\.[0-9]{0,20})?", fullmatch=True),
    st.text(max_size=12),
)


@given(st.lists(NUMBER_TEXTS, max_size=20))
@example(["1", "2.5", "0.1", "x", "123456789012345678", "1234567890123456.78", "0.000000000000000001"])
@example(["12345678", "-123456789", "1234567890123456", "12345678.5", "123456789.25", "-1234567.12345678"])
@example(["1234567.123456789", "0.12345678", "-0.123456789", "99999999.99999999", "-5.", "-.5", "-", "--1", "1.2.3"])
def test_many_texts_at_once_are_the_texts_one_by_one(texts):
    together, alone = CellsBuilder(), {}
    rows = np.arange(1, len(texts) + 1)
    add_texts(together, rows, texts)
    for row, text in zip(rows, texts, strict=True):
        single = CellsBuilder()
        parsed = decimals.parse(text) if text.isascii() else None
        add_texts(single, np.array([row]), [text])
        cells = single.finish()
        if len(cells):
            alone[int(row)] = plain(cells, 0)
        if parsed is not None:
            assert alone[int(row)] == decimals.as_decimal(*parsed)
    assert shown(together.finish()) == alone


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
@example([0.1 + 0.2, 1e22, 5e-324, 1.7976931348623157e308, 940438.1899999999, -0.0, 123456789.125])
def test_doubles_at_once_are_their_texts(values):
    numbers = from_floats(np.array(values))
    for at, value in enumerate(values):
        expected = decimals.parse_float(value)
        if numbers.good[at]:
            found = decimals.as_decimal(int(numbers.mantissas[at]), int(numbers.exponents[at]))
            assert found == decimals.as_decimal(*expected)
        else:
            assert expected is None or abs(expected[0]) >= 1 << 63 or expected[1] < -127


@given(st.integers(-(10**40), 10**40), st.integers(-60, 20))
def test_showing_and_parsing_a_whole_value_come_back(mantissa, exponent):
    text = decimals.show(mantissa, exponent)
    assert Decimal(text) == decimals.as_decimal(mantissa, exponent)
