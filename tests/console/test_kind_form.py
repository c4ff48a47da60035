"""Forms made of schemas, and what people type into them."""

from datetime import date
from decimal import Decimal
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from api.console.kind_form import form_of, params_from
from api.console.typed_values import Control, as_text, read_number, readable_json
from tasks.two_sum.contract import TwoSumParams


class Part(BaseModel):
    column: str | None = None
    share: Decimal | None = None


class Everything(BaseModel):
    name: str
    amount: Decimal
    count: int = 3
    sure: bool = False
    perhaps: bool | None = None
    mode: Literal["a", "b"] = "a"
    words: list[str] = []
    numbers: list[int] = Field([], description="Some `numbers`.")
    day: date | None = None
    part: Part | None = None
    where: list[Part] = []
    file: str | None = None
    sheet: str | int | None = None


SCHEMA = Everything.model_json_schema()


def by_path(form):
    return {field.path: field for field in (*form.main, *form.more)}


def test_each_type_has_its_control():
    controls = {path: str(field.control) for path, field in by_path(form_of(SCHEMA)).items()}
    assert controls == {
        "name": "text",
        "amount": "number",
        "count": "number",
        "sure": "yes_no",
        "perhaps": "yes_no",
        "mode": "choice",
        "words": "lines",
        "numbers": "lines",
        "day": "date",
        "part": "group",
        "where": "json",
        "file": "file",
        "sheet": "word_or_number",
    }


def test_what_is_typed_arrives_exactly_and_what_is_empty_is_left_out():
    typed = {
        "name": "x",
        "amount": "1,250.10",
        "count": "3",
        "sure": "yes",
        "perhaps": "",
        "words": "two words\n\nmore",
        "numbers": "1 2,3;4\n5",
        "part.column": "Amount",
        "part.share": "",
        "where": '[{"column": "B", "share": 0.10}]',
        "sheet": "2",
    }
    params = params_from(SCHEMA, typed)
    assert params == {
        "name": "x",
        "amount": Decimal("1250.10"),
        "sure": True,
        "words": ["two words", "more"],
        "numbers": [1, 2, 3, 4, 5],
        "part": {"column": "Amount"},
        "where": [{"column": "B", "share": Decimal("0.10")}],
        "sheet": 2,
    }
    assert str(params["where"][0]["share"]) == "0.10"


def test_params_fill_the_form_and_come_back_unchanged():
    params = {"name": "n", "amount": Decimal("0.30"), "numbers": [1, 2], "part": {"column": "C"}, "count": 7}
    form = form_of(SCHEMA, params)
    typed = {}

    def collect(fields):
        for field in fields:
            collect(field.inner) if field.inner else typed.update({field.path: field.value})

    collect((*form.main, *form.more))
    assert params_from(SCHEMA, typed) == params


def test_an_error_stands_beside_its_field_and_names_the_entry():
    problems = [
        {"loc": ["params", "numbers", 2], "msg": "x", "type": "int_parsing"},
        {"loc": ["params", "part", "share", "decimal"], "msg": "x", "type": "decimal_parsing"},
        {"loc": ["params"], "msg": "Value error, give one of both", "type": "value_error"},
    ]
    form = form_of(SCHEMA, typed={"numbers": "1 2 x"}, problems=problems)
    fields = by_path(form)
    assert fields["numbers"].error.startswith("entry 3: write a whole number")
    assert fields["part"].inner[1].error.startswith("write a number")
    assert form.general == ("give one of both",)
    assert form.more_is_open


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,250.00", Decimal("1250.00")),
        ("1 250", 1250),
        ("\N{MINUS SIGN}3", -3),
        ("1e3", Decimal(1000)),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("1,25", "1,25"),
        ("12a", "12a"),
        ("", ""),
    ],
)
def test_numbers_as_people_write_them(text, number):
    assert read_number(text) == number


def test_json_for_editing_keeps_every_digit():
    assert '"a": 0.10' in readable_json({"a": Decimal("0.10"), "b": [1, 2]})
    assert as_text(Control.NUMBER, Decimal("1E+3")) == "1000"


def test_the_two_sum_form_asks_first_for_what_people_come_with():
    form = form_of(TwoSumParams.model_json_schema())
    assert [field.name for field in form.main] == ["file", "sheet", "column", "nums", "target", "mode"]
    assert "against" in {field.name for field in form.more}


def test_an_untouched_form_asks_for_nothing():
    form = form_of(TwoSumParams.model_json_schema())
    typed = {}

    def collect(fields):
        for field in fields:
            collect(field.inner) if field.inner else typed.update({field.path: field.value})

    collect((*form.main, *form.more))
    typed = {path: text.replace("\n", "\r\n") for path, text in typed.items()}  # as browsers send it
    assert params_from(TwoSumParams.model_json_schema(), typed) == {}
