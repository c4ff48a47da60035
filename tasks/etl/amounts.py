"""Exact money from text: rounded half-up to cents, positive, within DECIMAL(16,2); never a float, never a hang."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.workbook.vector_decimals import WORD, whole_numbers, words_of
from tasks.etl.arrow import Array, pa, pc
from tasks.etl.fields import BLANKS, trimmed
from tasks.etl.reasons import Note, Reason

LARGEST_CENTS = 10**16 - 1
LARGE_CENTS = 10**11  # 1e9 and more is kept and flagged
INTEGER_DIGITS = 14
EXPONENT_DIGITS = 9  # with more, the number is zero or beyond every limit, whatever its digits are
HALF = "5"
DECIMALS = 2
POINT, ZERO, TEN = ord("."), np.uint8(ord("0")), 10

_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?(?:[eE](?P<exponent>[+-]?[0-9]+))?")
_LONG_FRACTION = r"^[0-9]{1,14}\.[0-9]{3,}$"


@dataclass(frozen=True)
class Money:
    """An amount in cents, or the reason why there is none; `rounded` says that digits were given up."""

    cents: int = 0
    reason: Reason | None = None
    rounded: bool = False


def money(text: str | None) -> Money:
    """Read one amount. The work is bounded by the length of the text, also for `1e999999999`."""
    bare = trimmed(text)
    if not bare:
        return Money(reason=Reason.AMOUNT_MISSING)
    match = _NUMBER.fullmatch(bare)
    if match is None or not (match["whole"] or match["fraction"]):
        return Money(reason=Reason.AMOUNT_INVALID)
    fraction = match["fraction"] or ""
    digits = (match["whole"] + fraction).lstrip("0")
    if not digits or match["sign"] == "-":
        return Money(reason=Reason.AMOUNT_NOT_POSITIVE)
    exponent = _bounded_exponent(match["exponent"] or "0", len(bare))
    return _in_cents(digits, len(digits) - len(fraction) + exponent)


def _bounded_exponent(text: str, length: int) -> int:
    """The exponent, cut to what already decides the answer: no power is ever computed."""
    magnitude = text.lstrip("+-").lstrip("0") or "0"
    sign = -1 if text.startswith("-") else 1
    beyond = length + INTEGER_DIGITS + EXPONENT_DIGITS
    return sign * (beyond if len(magnitude) > EXPONENT_DIGITS else min(int(magnitude), beyond))


def _in_cents(digits: str, point: int) -> Money:
    """Round `0.digits` times ten to the power of `point`; half-up looks at the third decimal only."""
    if point > INTEGER_DIGITS:
        return Money(reason=Reason.AMOUNT_TOO_LARGE)
    kept = point + 2
    if kept < 0:
        return Money(reason=Reason.AMOUNT_NOT_POSITIVE)
    cents = int(digits[:kept].ljust(kept, "0") or "0") + (digits[kept : kept + 1] >= HALF)
    if cents == 0:
        return Money(reason=Reason.AMOUNT_NOT_POSITIVE)
    if cents > LARGEST_CENTS:
        return Money(reason=Reason.AMOUNT_TOO_LARGE)
    return Money(cents, rounded=bool(digits[kept:].strip("0")))


@dataclass(frozen=True)
class MoneyColumn:
    """Amounts of a batch in cents (0 where there is none), with the bits of reasons and notes."""

    cents: NDArray[np.int64]
    reasons: NDArray[np.uint32]
    notes: NDArray[np.uint8]


def money_column(texts: Array) -> MoneyColumn:
    """Read a column: usual spellings as whole arrays, unusual ones one by one with `money`."""
    cents, plain = _plain_cents(texts)
    count = len(cents)
    reasons = np.zeros(count, np.uint32)
    notes = np.zeros(count, np.uint8)
    unusual = np.flatnonzero(~plain)
    if len(unusual):
        texts = pc.fill_null(pc.utf8_trim(texts.take(pa.array(unusual)), characters=BLANKS), "")
        long = _mask(pc.match_substring_regex(texts, _LONG_FRACTION))
        if long.any():
            cents[unusual[long]], rounded = _long_cents(texts.filter(pa.array(long)))
            notes[unusual[long]] |= np.where(rounded, Note.AMOUNT_ROUNDED.bit, 0).astype(np.uint8)
        others = unusual[~long]
        for index, text in zip(others, texts.filter(pa.array(~long)).to_pylist(), strict=True):
            amount = money(text)
            cents[index] = amount.cents
            reasons[index] = amount.reason.bit if amount.reason else 0
            notes[index] = Note.AMOUNT_ROUNDED.bit if amount.rounded else 0
    reasons[(cents == 0) & (reasons == 0)] = Reason.AMOUNT_NOT_POSITIVE.bit
    too_large = cents > LARGEST_CENTS
    reasons[too_large] = Reason.AMOUNT_TOO_LARGE.bit
    cents[too_large] = 0
    notes[cents == 0] = 0
    notes[cents >= LARGE_CENTS] |= Note.AMOUNT_LARGE.bit
    return MoneyColumn(cents, reasons, notes)


def _mask(flags: Array) -> NDArray[np.bool_]:
    return np.asarray(flags.to_numpy(zero_copy_only=False), dtype=bool)


def _plain_cents(texts: Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Up to 14 digits and at most two decimals, straight from the bytes; the mark says which are written like that."""
    buffers = texts.buffers()
    offsets = np.frombuffer(buffers[1], np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    first = offsets[0] if len(offsets) else 0
    data = bytes(WORD) + bytes(memoryview(buffers[2] or b"")[first : offsets[-1]]) + bytes(WORD)
    codes, words = np.frombuffer(data, np.uint8), words_of(data)
    starts, ends = offsets[:-1] - first + WORD, offsets[1:] - first + WORD
    lengths = ends - starts
    decimals = np.zeros(len(starts), np.int64)
    for places in (1, DECIMALS):
        decimals[(codes[ends - places - 1] == POINT) & (lengths > places + 1)] = places
    has_point, has_two = decimals > 0, decimals == DECIMALS
    whole_lengths = lengths - decimals - has_point
    wholes, plain = whole_numbers(words, ends - decimals - has_point, np.clip(whole_lengths, 0, INTEGER_DIGITS))
    last, before = codes[ends - 1] - ZERO, codes[ends - 2] - ZERO  # bytes: what is no digit is ten or more
    plain &= (whole_lengths > 0) & (whole_lengths <= INTEGER_DIGITS)
    plain &= ~has_point | (last < TEN) & (~has_two | (before < TEN))
    if texts.null_count:
        plain &= _mask(texts.is_valid())
    fractions = np.where(has_two, before * np.int64(10) + last, last * np.int64(10))
    return np.where(plain, wholes * 100 + np.where(has_point, fractions, 0), 0), plain


def _long_cents(texts: Array) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    cut = pc.replace_substring_regex(texts, r"^([0-9]+\.[0-9]{2})[0-9]*$", r"\1")
    up = _mask(pc.match_substring_regex(texts, r"\.[0-9]{2}[5-9]"))
    rounded = _mask(pc.match_substring_regex(texts, r"\.[0-9]{2}0*[1-9]"))
    return _plain_cents(cut)[0] + up, rounded
