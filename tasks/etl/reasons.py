"""Why a record is rejected, repaired or flagged: published words, each with one bit for whole columns at once."""

from __future__ import annotations

from enum import StrEnum
from functools import cache


class Reason(StrEnum):
    """Every reason for a reject. The order is the order in which they are listed; only ever append."""

    TOO_FEW_FIELDS = "too_few_fields"
    TOO_MANY_FIELDS = "too_many_fields"
    QUOTE_NOT_CLOSED = "quote_not_closed"
    NUL_BYTE = "nul_byte"
    BAD_ENCODING = "bad_encoding"
    ID_MISSING = "id_missing"
    ID_MASKED = "id_masked"
    COMPANY_ID_MISSING = "company_id_missing"
    COMPANY_ID_MASKED = "company_id_masked"
    COMPANY_NAME_MISSING = "company_name_missing"
    COMPANY_NAME_DIFFERS = "company_name_differs"
    COMPANY_NAME_TOO_LONG = "company_name_too_long"
    COMPANY_AMBIGUOUS = "company_ambiguous"
    COMPANY_ID_COLLISION = "company_id_collision"
    AMOUNT_MISSING = "amount_missing"
    AMOUNT_INVALID = "amount_invalid"
    AMOUNT_NOT_POSITIVE = "amount_not_positive"
    AMOUNT_TOO_LARGE = "amount_too_large"
    STATUS_MISSING = "status_missing"
    STATUS_UNKNOWN = "status_unknown"
    CREATED_AT_MISSING = "created_at_missing"
    CREATED_AT_INVALID = "created_at_invalid"
    CREATED_AT_AMBIGUOUS = "created_at_ambiguous"
    PAID_AT_INVALID = "paid_at_invalid"
    PAID_AT_AMBIGUOUS = "paid_at_ambiguous"
    PAID_BEFORE_CREATED = "paid_before_created"
    ID_DUPLICATE = "id_duplicate"
    ID_COLLISION = "id_collision"
    ID_TAKEN = "id_taken"

    @property
    def bit(self) -> int:
        return _BITS[self]


class Note(StrEnum):
    """What was mended or is remarkable about a record that became a charge."""

    COMPANY_ID_REPAIRED = "company_id_repaired"
    COMPANY_NAME_REPAIRED = "company_name_repaired"
    AMOUNT_LARGE = "amount_large"
    AMOUNT_ROUNDED = "amount_rounded"

    @property
    def bit(self) -> int:
        return 1 << list(Note).index(self)

    @property
    def is_repair(self) -> bool:
        return self in {Note.COMPANY_ID_REPAIRED, Note.COMPANY_NAME_REPAIRED}


_BITS = {reason: 1 << position for position, reason in enumerate(Reason)}

MEANING: dict[Reason, str] = {
    Reason.TOO_FEW_FIELDS: "the record has fewer fields than the header",
    Reason.TOO_MANY_FIELDS: "the record has more fields than the header",
    Reason.QUOTE_NOT_CLOSED: "a quote is opened and not closed, or stands in the middle of a field",
    Reason.NUL_BYTE: "the record contains a NUL byte",
    Reason.BAD_ENCODING: "the record is not text in the file's encoding",
    Reason.ID_MISSING: "the transaction has no id",
    Reason.ID_MASKED: "the transaction's id is masked",
    Reason.COMPANY_ID_MISSING: "no company id, and no other row tells it",
    Reason.COMPANY_ID_MASKED: "the company id is masked, and no other row tells it",
    Reason.COMPANY_NAME_MISSING: "no company name, and no other row tells it",
    Reason.COMPANY_NAME_DIFFERS: "the name is not the one this company has most often, and repair is off",
    Reason.COMPANY_NAME_TOO_LONG: "the company's name is longer than 130 characters",
    Reason.COMPANY_AMBIGUOUS: "several companies have this name, so it cannot give the company id",
    Reason.COMPANY_ID_COLLISION: "another company's id begins with the same 24 characters",
    Reason.AMOUNT_MISSING: "no amount",
    Reason.AMOUNT_INVALID: "the amount is not a decimal number",
    Reason.AMOUNT_NOT_POSITIVE: "the amount, rounded to cents, is zero or less",
    Reason.AMOUNT_TOO_LARGE: "the amount does not fit DECIMAL(16,2)",
    Reason.STATUS_MISSING: "no status",
    Reason.STATUS_UNKNOWN: "the status is none of the known ones",
    Reason.CREATED_AT_MISSING: "no creation date",
    Reason.CREATED_AT_INVALID: "the creation date is not a date of the calendar",
    Reason.CREATED_AT_AMBIGUOUS: "the creation date can be read as day-month or month-day",
    Reason.PAID_AT_INVALID: "the payment date is not a date of the calendar",
    Reason.PAID_AT_AMBIGUOUS: "the payment date can be read as day-month or month-day",
    Reason.PAID_BEFORE_CREATED: "paid before it was created",
    Reason.ID_DUPLICATE: "an earlier row of the file has the same id",
    Reason.ID_COLLISION: "an earlier row's id begins with the same 24 characters",
    Reason.ID_TAKEN: "the ledger has another charge under this id",
}


@cache
def reasons_in(bits: int) -> tuple[Reason, ...]:
    return tuple(reason for reason in Reason if bits & reason.bit)


@cache
def notes_in(bits: int) -> tuple[Note, ...]:
    return tuple(note for note in Note if bits & note.bit)
