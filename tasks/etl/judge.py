"""Judge whole batches of records by the rules: each row leaves as a charge to be or with all its reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.etl.amounts import money_column
from tasks.etl.arrow import Array, RecordBatch, pa, pc
from tasks.etl.companies import CompanyDirectory
from tasks.etl.date_order import DateOrder
from tasks.etl.dates import READINGS, DateReader, MomentColumn, Reading
from tasks.etl.fields import BLANKS, ID_LENGTH, SUSPICIOUS_STARTS, is_masked, trimmed
from tasks.etl.reasons import Reason
from tasks.etl.statuses import STATUSES, status

DAY_MICROS = 86_400_000_000
PROBLEMS = {
    reason.value: reason.bit
    for reason in (
        Reason.TOO_FEW_FIELDS,
        Reason.TOO_MANY_FIELDS,
        Reason.QUOTE_NOT_CLOSED,
        Reason.NUL_BYTE,
        Reason.BAD_ENCODING,
    )
}


@dataclass(frozen=True)
class Judged:
    """A batch with its verdicts. Where `reasons` is 0 the row can be a charge, if its id is free."""

    records: RecordBatch
    ids: Array  # trimmed, in full
    short_ids: Array  # the ledger's key: the first 24 characters
    company_ids: Array
    cents: NDArray[np.int64]
    statuses: NDArray[np.uint8]  # positions in STATUSES
    created: NDArray[np.int64]  # microseconds since 1970
    paid: NDArray[np.int64]
    is_paid: NDArray[np.bool_]
    reasons: NDArray[np.uint32]
    notes: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.reasons)

    def only(self, keep: NDArray[np.bool_]) -> Judged:
        """The rows of `keep`, in their order."""
        chosen = pa.array(keep)
        return Judged(
            self.records.filter(chosen),
            self.ids.filter(chosen),
            self.short_ids.filter(chosen),
            self.company_ids.filter(chosen),
            self.cents[keep],
            self.statuses[keep],
            self.created[keep],
            self.paid[keep],
            self.is_paid[keep],
            self.reasons[keep],
            self.notes[keep],
        )

    def alone(self) -> Judged:
        """Without the dictionaries of the batch that it was taken from: they may be a thousand times as large."""
        columns = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in self.records.columns]
        return Judged(**{**self.__dict__, "records": pa.RecordBatch.from_arrays(columns, self.records.schema.names)})

    def with_reasons(self, more: NDArray[np.uint32]) -> Judged:
        return Judged(**{**self.__dict__, "reasons": self.reasons | more})


class Judge:
    """Applies the rules to batches; remembers the distinct dates, statuses and companies it has seen."""

    def __init__(self, directory: CompanyDirectory, date_order: DateOrder | None = None) -> None:
        self._directory = directory
        self._dates = DateReader(date_order)

    def judge(self, records: RecordBatch) -> Judged:
        """Everything but the uniqueness of ids, which only the whole file can tell."""
        ids, reasons = _ids(records.column("id"))
        companies = self._directory.of(records.column("company_id"), records.column("name"))
        amounts = money_column(records.column("amount"))
        statuses, status_reasons = _statuses(records.column("status"))
        created = self._dates.read(records.column("created_at"))
        paid = self._dates.read(records.column("paid_at"))
        reasons |= companies.reasons | amounts.reasons | status_reasons | _date_reasons(created, paid)
        problems = _problems(records.column("problem"))
        return Judged(
            records=records,
            ids=ids,
            short_ids=pc.utf8_slice_codeunits(ids, 0, ID_LENGTH),
            company_ids=companies.ids,
            cents=amounts.cents,
            statuses=statuses,
            created=created.micros,
            paid=paid.micros,
            is_paid=paid.readings == READINGS.index(Reading.OK),
            # The fields of a record that could not be read as one say nothing reliable.
            reasons=np.where(problems, problems, reasons),
            notes=amounts.notes | companies.notes,
        )


def _ids(texts: Array) -> tuple[Array, NDArray[np.uint32]]:
    ids = pc.fill_null(pc.utf8_trim(texts, characters=BLANKS), "")
    reasons = np.zeros(len(ids), np.uint32)
    positions = _suspects(ids)
    for index, text in zip(positions, ids.take(pa.array(positions)).to_pylist(), strict=True):
        bare = trimmed(text)
        if not bare:
            reasons[index] = Reason.ID_MISSING.bit
        elif is_masked(bare):
            reasons[index] = Reason.ID_MASKED.bit
    return ids, reasons


_STARTS = np.zeros(256, bool)
_STARTS[[letter.encode()[0] for letter in SUSPICIOUS_STARTS]] = True
_STAR = ord("*")


def _suspects(ids: Array) -> NDArray[np.int64]:
    """Rows whose id may be missing or masked, told from single bytes; the few that are found are looked at in full."""
    buffers = ids.buffers()
    offsets = np.frombuffer(buffers[1], np.int32)[ids.offset : ids.offset + len(ids) + 1]
    if not len(ids) or offsets[-1] == offsets[0]:
        return np.arange(len(ids))
    data = np.frombuffer(buffers[2], np.uint8)
    is_empty = offsets[1:] == offsets[:-1]
    starts = _STARTS[data[np.minimum(offsets[:-1], len(data) - 1)]]
    stars = np.flatnonzero(data[: offsets[-1]] == _STAR)
    starts[np.searchsorted(offsets, stars[stars >= offsets[0]], "right") - 1] = True
    return np.flatnonzero(starts | is_empty)


def _statuses(texts: Array) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    codes, reasons = _per_text(texts, _status_code)
    return codes.astype(np.uint8), reasons


def _status_code(text: str | None) -> tuple[int, int]:
    found = status(text)
    return (0, found.bit) if isinstance(found, Reason) else (STATUSES.index(found), 0)


def _problems(texts: Array) -> NDArray[np.uint32]:
    if texts.null_count == len(texts):
        return np.zeros(len(texts), np.uint32)
    return _per_text(texts, lambda text: (0, PROBLEMS[text] if text else 0))[1]


def _per_text(
    texts: Array, rule: Callable[[str | None], tuple[int, int]]
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Apply a rule once to each distinct text (and to null) and spread what it says over the rows."""
    encoded = texts if pa.types.is_dictionary(texts.type) else pc.dictionary_encode(texts)
    ruled = [rule(text) for text in [*encoded.dictionary.to_pylist(), None]]
    values = np.array([value for value, _ in ruled], np.int64)
    bits = np.array([bit for _, bit in ruled], np.uint32)
    indices = pc.fill_null(encoded.indices, len(ruled) - 1).to_numpy(zero_copy_only=False)
    return values[indices], bits[indices]


_CREATED_BITS = np.array(
    [
        {
            Reading.OK: 0,
            Reading.MISSING: Reason.CREATED_AT_MISSING.bit,
            Reading.INVALID: Reason.CREATED_AT_INVALID.bit,
            Reading.AMBIGUOUS: Reason.CREATED_AT_AMBIGUOUS.bit,
        }[reading]
        for reading in READINGS
    ],
    np.uint32,
)
_PAID_BITS = np.array(
    [
        {
            Reading.OK: 0,
            Reading.MISSING: 0,  # not paid yet
            Reading.INVALID: Reason.PAID_AT_INVALID.bit,
            Reading.AMBIGUOUS: Reason.PAID_AT_AMBIGUOUS.bit,
        }[reading]
        for reading in READINGS
    ],
    np.uint32,
)


def _date_reasons(created: MomentColumn, paid: MomentColumn) -> NDArray[np.uint32]:
    reasons: NDArray[np.uint32] = _CREATED_BITS[created.readings] | _PAID_BITS[paid.readings]
    ok = READINGS.index(Reading.OK)
    both = (created.readings == ok) & (paid.readings == ok)
    # A day without a time says nothing about the hour: then only days are compared.
    days_only = created.is_day | paid.is_day
    earlier = np.where(
        days_only, paid.micros // DAY_MICROS < created.micros // DAY_MICROS, paid.micros < created.micros
    )
    reasons[both & earlier] |= np.uint32(Reason.PAID_BEFORE_CREATED.bit)
    return reasons
