"""Many numbers at once: decimal texts inside one buffer to mantissas and exponents, eight digits at a time.

What the vectors cannot say for certain (exponents, spaces, more than 18 digits) is marked, and the caller
sends it through `decimals.parse`; both give the same value for everything the vectors accept.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.workbook.decimals import SIGNIFICANT_DIGITS, parse_float

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

WORD = 8
LONGEST = 16  # digits on one side of the point that two words hold
MOST_DIGITS = 18  # certain to fit a signed 64-bit integer
MAX_EXACT = 10**15
FLOAT_SCALES = 9
U = np.uint64
ZEROS, HIGH_BITS, LOW_BITS = U(0x3030303030303030), U(0x8080808080808080), U(0x0101010101010101)
TO_HIGH = U(0x7676767676767676)  # lifts any byte of ten or more into the high bit
PAIRS, QUADS, EIGHT = U(0x00FF00FF00FF00FF), U(0x0000FFFF0000FFFF), U(0x00000000FFFFFFFF)
POWERS = np.array([10**n for n in range(19)], dtype=np.int64)
PADDING = b"<" * 64


def words_of(buffer: bytes) -> Words:
    """A view of the buffer with an eight-byte word at every place; pad it so that the last place has one."""
    return np.ndarray(shape=(len(buffer) - WORD + 1,), dtype="<u8", buffer=buffer, strides=(1,))


def wide_of(buffer: bytes, places: Places, count: int) -> Words:
    """So many words from each place on, a row for each: one look at scattered bytes costs as much as many."""
    width = WORD * count
    wide = np.ndarray(shape=(len(buffer) - width + 1,), dtype=f"V{width}", buffer=buffer, strides=(1,))
    return wide[places].view("<u8").reshape(-1, count)


def first_byte(words: Words, wanted: int) -> Places:
    """Where in each word the byte first stands, 8 if nowhere."""
    mixed = words ^ (LOW_BITS * U(wanted))
    found = (mixed - LOW_BITS) & ~mixed & HIGH_BITS
    return (np.bitwise_count((found & (~found + U(1))) - U(1)) >> 3).astype(np.int64)


def first_byte_of(wide: Words, wanted: int) -> Places:
    """The same in rows of several words; a word after the first is looked at only where it has to be."""
    found = first_byte(wide[:, 0], wanted)
    for number in range(1, wide.shape[1]):
        further = np.flatnonzero(found == WORD * number)
        if not further.size:
            break
        found[further] += first_byte(wide[further, number], wanted)
    return found


def leading_number(words: Words, lengths: Places) -> tuple[Places, Marks]:
    """The number in the first bytes of each word; the mark says that all were digits."""
    return _value_of((words ^ ZEROS) << _bits(WORD - lengths))


def _bits(count: Places) -> Words:
    """So many bytes as bits to shift by. Of a negative count this makes a huge one, and NumPy shifts to nothing."""
    return count.astype(np.uint64) << U(3)


def whole_numbers(words: Words, ends: Places, lengths: Places) -> tuple[Places, Marks]:
    """The digits that end at each place, up to 16 of them; the mark says that all were digits."""
    values, good = _eight(words, ends, np.minimum(lengths, WORD))
    long = np.flatnonzero(lengths > WORD)
    if long.size:
        upper, upper_good = _eight(words, ends[long] - WORD, lengths[long] - WORD)
        values[long] += upper * np.int64(10**8)
        good[long] &= upper_good
    return values, good


def _eight(words: Words, ends: Places, lengths: Places) -> tuple[Places, Marks]:
    shift = ((WORD - np.maximum(lengths, 1)) * 8).astype(np.uint64)
    digits = ((words[ends - WORD] ^ ZEROS) >> shift) << shift
    digits[lengths == 0] = 0
    return _value_of(digits)


def _value_of(digits: Words) -> tuple[Places, Marks]:
    """The number of eight digits each, from 0 to 9 byte by byte; the mark says that they are."""
    good = ((digits + TO_HIGH) | digits) & HIGH_BITS == 0
    digits = (digits * U(10) + (digits >> U(8))) & PAIRS
    digits = (digits * U(100) + (digits >> U(16))) & QUADS
    digits = (digits * U(10_000) + (digits >> U(32))) & EIGHT
    return digits.astype(np.int64), good


@dataclass(frozen=True)
class ParsedNumbers:
    """Mantissas and exponents; only where `good` do they mean something."""

    mantissas: Places
    exponents: npt.NDArray[np.int8]
    good: Marks


def parse_spans(buffer: bytes, starts: Places, ends: Places) -> ParsedNumbers:
    """Numbers written between `starts` and `ends`; eight readable bytes must stand before the first, 16 behind it."""
    wide = wide_of(buffer, starts, 2)
    negative = (wide[:, 0] & U(0xFF)) == ord("-")
    if negative.any():
        starts = starts + negative
        wide = wide_of(buffer, starts, 2)
    values, decimals, good, long = _short_numbers(wide, ends - starts)
    if long.size:
        values[long], decimals[long], good[long] = _long_numbers(words_of(buffer), starts[long], ends[long])
    return ParsedNumbers(np.where(negative, -values, values), (-decimals).astype(np.int8), good)


def _short_numbers(wide: Words, lengths: Places) -> tuple[Places, Places, Marks, Places]:
    """What two words hold: values, decimals, and whether they are numbers; and the places of what is longer."""
    first, second = wide[:, 0] ^ ZEROS, wide[:, 1] ^ ZEROS
    whole = np.minimum(first_byte_of(wide, ord(".")), lengths)
    upper_shift = _bits(2 * WORD - whole)
    values, good = _value_of((first << _bits(WORD - whole)) | (first >> _bits(whole - WORD)) | (second << upper_shift))
    if int(whole.max(initial=0)) > WORD:
        upper, upper_good = _value_of(first << upper_shift)
        values += upper * np.int64(10**8)
        good &= upper_good
    good &= whole > 0
    decimals = np.zeros(len(values), np.int64)
    if (whole < lengths).any():
        decimals = np.maximum(lengths - whole - 1, 0)
        behind = whole + 1
        text = (first >> _bits(behind)) | (second << _bits(WORD - behind)) | (second >> _bits(behind - WORD))
        fractions, fractions_good = _value_of(text << _bits(WORD - decimals))
        good &= fractions_good & ((decimals > 0) | (whole == lengths))
    long = np.flatnonzero((lengths > LONGEST) | (decimals > WORD))
    good[long] = False
    if decimals.any():
        decimals = np.where(good, decimals, 0)
        values, decimals = _without_zeros(np.where(good, values * POWERS[decimals] + fractions, 0), decimals)
    return values, decimals, good, long


def _long_numbers(words: Words, starts: Places, ends: Places) -> tuple[Places, Places, Marks]:
    lengths = ends - starts
    dots = first_byte(words[starts], ord("."))
    for step in (WORD, 2 * WORD):
        further = np.flatnonzero((dots == step) & (lengths > step))
        if further.size:
            dots[further] += first_byte(words[starts[further] + step], ord("."))
    has_dot = dots < lengths
    whole_lengths = np.where(has_dot, dots, lengths)
    decimals = np.where(has_dot, lengths - dots - 1, 0)
    values, good = whole_numbers(words, starts + whole_lengths, np.clip(whole_lengths, 0, LONGEST))
    fractions, fractions_good = whole_numbers(words, ends, np.clip(decimals, 0, LONGEST))
    good &= fractions_good & (whole_lengths > 0) & (whole_lengths <= LONGEST)
    good &= (decimals > 0) | ~has_dot
    good &= (decimals <= LONGEST) & (whole_lengths + decimals <= MOST_DIGITS)
    decimals = np.where(good, decimals, 0)
    values = np.where(good, values, 0) * POWERS[decimals] + np.where(good, fractions, 0)
    return *_fold(values, decimals), good


def _fold(values: Places, decimals: Places) -> tuple[Places, Places]:
    """Round what has a fraction and more than 15 significant digits, then take needless zeros away."""
    digits = np.searchsorted(POWERS, values, side="right")
    long = np.flatnonzero((digits > SIGNIFICANT_DIGITS) & (decimals > 0))
    if long.size:
        # Decimals may become negative here (a folded whole part); the zeros come back below.
        dropped = digits[long] - SIGNIFICANT_DIGITS
        values[long] = (values[long] + POWERS[dropped] // 2) // POWERS[dropped]
        decimals[long] -= dropped
        above = long[decimals[long] < 0]
        values[above] *= POWERS[-decimals[above]]
        decimals[above] = 0
    return _without_zeros(values, decimals)


def _without_zeros(values: Places, decimals: Places) -> tuple[Places, Places]:
    many = np.flatnonzero(decimals > 2)  # noqa: PLR2004 - cents stay
    while many.size:
        many = many[(decimals[many] > 0) & (values[many] % 10 == 0)]
        values[many] //= 10
        decimals[many] -= 1
    return values, decimals


def from_floats(values: npt.NDArray[np.float64]) -> ParsedNumbers:
    """Doubles as Excel shows them. A decimal of at most 15 digits that gives the double back is unique."""
    mantissas = np.zeros(len(values), np.int64)
    exponents = np.zeros(len(values), np.int8)
    good = np.zeros(len(values), np.bool_)
    left = np.flatnonzero(np.isfinite(values))
    for scale in range(FLOAT_SCALES + 1):
        if not left.size:
            break
        power = 10.0**scale
        with np.errstate(over="ignore"):
            scaled = np.rint(values[left] * power)
        hit = (np.abs(scaled) < MAX_EXACT) & (scaled / power == values[left])
        mantissas[left[hit]] = scaled[hit].astype(np.int64)
        exponents[left[hit]] = -scale
        good[left[hit]] = True
        left = left[~hit]
    for place in left.tolist():
        parsed = parse_float(float(values[place]))
        if parsed is not None and -(1 << 63) < parsed[0] < 1 << 63 and parsed[1] >= -127:  # noqa: PLR2004 - int8
            mantissas[place], exponents[place] = parsed
            good[place] = True
    return ParsedNumbers(mantissas, exponents, good)
