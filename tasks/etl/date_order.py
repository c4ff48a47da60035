"""How a date such as 01/02/2024 is meant."""

from enum import StrEnum


class DateOrder(StrEnum):
    """How `01/02/2024` is meant; without it such a date is rejected as ambiguous."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"
