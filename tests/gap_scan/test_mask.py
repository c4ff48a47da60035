"""Masks read what they write, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInputError
from tasks.gap_scan.mask import parse_mask

LITERAL = st.text(st.characters(codec="utf-8", exclude_characters="{}\0", exclude_categories=["Cs"]), max_size=8)


@pytest.mark.parametrize(
    ("mask", "text", "number", "labels"),
    [
        ("INV-{year}-{000000}", "INV-2024-000017", 17, {"year": "2024"}),
        ("INV-{year}-{000000}", "  INV-2024-000017 ", 17, {"year": "2024"}),
        ("INV-{year}-{000000}", "INV-2024-1000017", 1_000_017, {"year": "2024"}),
        ("{series}/{0000}", "AB9/0012", 12, {"series": "AB9"}),
        ("{yy}{month}-{000}", "2412-007", 7, {"yy": "24", "month": "12"}),
        ("{00}", "07", 7, {}),
    ],
)
def test_a_fitting_text_gives_its_number_and_group(mask, text, number, labels):
    read = parse_mask(mask).read([text])
    assert (read.fits.tolist(), read.numbers.tolist()) == ([True], [number])
    assert {name: values.to_pylist()[0] for name, values in read.labels.items()} == labels


@pytest.mark.parametrize(
    "text",
    [
        "",
        "INV-2024-17",
        "INV-2024-0000017",
        "INV-24-000017",
        "inv-2024-000017",
        "INV-2024-000017x",
        "xINV-2024-000017",
        "INV-2024-000017\nINV-2024-000018",
        "INV-2024-" + "\N{ARABIC-INDIC DIGIT ONE}" * 6,
        "INV-2024-0000000000000000000000017",
        "INV-2024-" + "9" * 400,
    ],
)
def test_a_text_that_breaks_the_mask_does_not_fit(text):
    assert parse_mask("INV-{year}-{000000}").read([text]).fits.tolist() == [False]


@pytest.mark.parametrize(
    "mask",
    [
        "",
        "INV",
        "{000}{000}",
        "{year}",
        "{000",
        "000}",
        "{0a}",
        "{}",
        "{Year}-{0}",
        "{a}{a}{0}",
        "{" + "0" * 19 + "}",
        "x" * 201,
    ],
)
def test_a_mask_that_cannot_be_used_is_refused_in_words(mask):
    with pytest.raises(InvalidInputError, match="mask"):
        parse_mask(mask)


@given(LITERAL, LITERAL, st.integers(1, 18), st.integers(0, 10**18 - 1))
def test_what_a_mask_writes_it_reads_again(before, after, width, number):
    mask = parse_mask(f"{before}{{year}}{'-' + after}{{{'0' * width}}}")
    read = mask.read([mask.write(number, {"year": "1999"})])
    trimmed = before != before.lstrip(" \t\n\r\v\f")
    assert read.fits.tolist() == [not trimmed]
    if not trimmed:
        assert read.numbers.tolist() == [number]


@given(st.lists(st.text("INV-0123456789 ", max_size=18) | st.from_regex(r"INV-\d{4}-\d{5,8}", fullmatch=True)))
def test_it_fits_where_a_regular_expression_does(texts):
    pattern = re.compile(r" *INV-[0-9]{4}-([0-9]{6}|[1-9][0-9]{6,17}) *")
    found = [pattern.fullmatch(text) for text in texts]
    read = parse_mask("INV-{year}-{000000}").read(texts)
    assert read.fits.tolist() == [bool(one) for one in found]
    assert [number for number, one in zip(read.numbers.tolist(), found, strict=True) if one] == [
        int(one[1]) for one in found if one
    ]
