"""What clients ask of the ledger and what they get."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from core.errors import InvalidInputError
from models.ledger_reports import DayPlace

Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Format = Literal["json", "csv", "xlsx"]


class DaysQuery(BaseModel):
    first: dt.date | None = Field(None, alias="from", description="first day")
    last: dt.date | None = Field(None, alias="to", description="last day")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        """An empty answer would say that nothing happened on days that nobody can mean."""
        if self.first and self.last and self.first > self.last:
            wrong = PydanticCustomError(
                "days_reversed", "from ({first}) is later than to ({last})", {"first": self.first, "last": self.last}
            )
            days = (("from", self.first), ("to", self.last))
            lines = [InitErrorDetails(type=wrong, loc=(name,), input=day) for name, day in days]
            raise ValidationError.from_exception_data(type(self).__name__, lines)
        return self


class DailyQuery(DaysQuery):
    company: Text | None = Field(None, description="a company's id or name")
    limit: int = Field(100, ge=1, le=1000, description="JSON only: CSV and Excel have all of it.")
    cursor: Text | None = Field(None, description="`next_cursor` of the page before.")
    format: Format = "json"


class CompanyQuery(BaseModel):
    name: Text | None = None
    limit: int = Field(100, ge=1, le=1000)
    cursor: Text | None = None


class ChargeQuery(DaysQuery):
    company_id: Text | None = None
    status: Text | None = None
    limit: int = Field(100, ge=1, le=1000, description="JSON only: CSV and Excel have all of it.")
    cursor: Text | None = None
    format: Format = "json"


class DailyRow(BaseModel):
    transaction_date: dt.date
    company_name: str
    company_id: str
    total_amount: Decimal
    transaction_count: int


class DailyReport(BaseModel):
    data: list[DailyRow]
    next_cursor: str | None


class CompanyRow(BaseModel):
    company_id: str
    company_name: str
    created_at: dt.datetime
    updated_at: dt.datetime | None


class CompanyList(BaseModel):
    data: list[CompanyRow]
    next_cursor: str | None


class ChargeRow(BaseModel):
    id: str
    company_id: str
    amount: Decimal
    status: str
    created_at: dt.datetime
    updated_at: dt.datetime | None


class ChargeList(BaseModel):
    data: list[ChargeRow]
    next_cursor: str | None


def cursor_of(place: DayPlace) -> str:
    day, total, company_id = place
    return base64.urlsafe_b64encode(f"{day.isoformat()}|{total}|{company_id}".encode()).decode()


def place_of(cursor: str) -> DayPlace:
    try:
        day, total, company_id = base64.urlsafe_b64decode(cursor.encode()).decode().split("|", 2)
        place = dt.date.fromisoformat(day), Decimal(total), company_id
    except (ValueError, InvalidOperation, binascii.Error):
        raise InvalidInputError("the cursor is none of ours", cursor=cursor) from None
    if not place[1].is_finite() or "\0" in company_id:
        raise InvalidInputError("the cursor is none of ours", cursor=cursor)
    return place
