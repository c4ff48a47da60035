"""Answers become dataclasses, and JSON keeps its digits."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from reckoner.exact import dumps, loads
from reckoner.records import JobStatus
from reckoner.shapes import shape


@dataclass(frozen=True)
class Inner:
    amount: Decimal
    at: datetime | None = None


@dataclass(frozen=True)
class Outer:
    status: JobStatus
    parts: tuple[Inner, ...]
    by_name: dict[str, Inner]
    day: date | None
    share: float = 0.0
    anything: int | Decimal | None = None


def test_nested_members_take_their_types():
    document = {
        "status": "running",
        "parts": [{"amount": 1, "at": "2026-11-21T08:00:00Z"}],
        "by_name": {"a": {"amount": Decimal("0.10")}},
        "day": "2026-11-21",
        "share": Decimal("0.5"),
        "anything": Decimal("2.50"),
        "not_known_here": True,
    }
    made = shape(Outer, document)
    assert made.status is JobStatus.RUNNING
    assert made.parts == (Inner(Decimal(1), datetime(2026, 11, 21, 8, tzinfo=UTC)),)
    assert made.by_name == {"a": Inner(Decimal("0.10"))}
    assert made.day == date(2026, 11, 21)
    assert isinstance(made.share, float)
    assert made.anything == Decimal("2.50")


def test_what_may_be_missing_is_none_and_what_may_not_is_named():
    assert shape(Outer, {"status": "queued", "parts": [], "by_name": {}}).day is None
    with pytest.raises(ValueError, match="Outer needs 'parts'"):
        shape(Outer, {"status": "queued", "by_name": {}})


@pytest.mark.parametrize("digits", ["0.1", "0.10", "12345678901234567890.123456789", "1E+30", "-0.00"])
def test_a_fraction_goes_through_json_with_all_its_digits(digits):
    value = loads(f'{{"a": [{digits}]}}') if digits != "1E+30" else {"a": [Decimal(digits)]}
    assert dumps(value) == f'{{"a": [{digits}]}}'


def test_text_that_looks_like_a_number_stays_text():
    assert dumps({"a": "0.1", "b": 'quote"'}) == '{"a": "0.1", "b": "quote\\""}'


def test_what_has_no_json_form_is_refused():
    with pytest.raises(TypeError, match="no JSON form"):
        dumps({"a": Decimal("NaN")})
