"""Many numbers at once: decimal texts inside one buffer to mantissas and exponents, eight digits at a time.

What the vectors cannot say for certain (exponents, spaces, more than 18 digits) is marked, and the caller
sends it through `decimals.parse`; both give the same value for everything the vectors accept.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.workbook.decimals import SIGNIFICANT_DIGITS, parse_float

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]

WORD = 8
LONGEST = 16  # digits on one side of the point that two words hold
LONG = 99  # the length of what is longer than that
MOST_DIGITS = 18  # certain to fit a signed 64-bit integer
MAX_EXACT = 10**15
FLOAT_SCALES = 9
U = np.uint64
ZEROS, HIGH_BITS, LOW_BITS = U(0x3030303030303030), U(0x8080808080808080), U(0x0101010101010101)
TO_HIGH = U(0x7676767676767676)  # lifts any byte of ten or more into the high bit
PAIRS, QUADS, EIGHT = U(0x00FF00FF00FF00FF), U(0x0000FFFF0000FFFF), U(0x00000000FFFFFFFF)
POWERS = np.array([10**n for n in range(19)], dtype=np.int64)
ALL = U(0xFFFFFFFFFFFFFFFF)
TEXT_WORDS = 3  # of a number's text: what is longer is not looked at in vectors
PADDING = b"<" * 80


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


def leading_number(words: Words, length: int) -> tuple[Places, Marks]:
    """The number in so many first bytes of each word; the mark says that all were digits."""
    return _value_of((words ^ ZEROS) << U(8 * (WORD - length)))


def _bits(count: Places | Marks) -> Words:
    """So many bytes as bits to shift by. By 64 and more NumPy shifts to nothing, and so by what is below 0."""
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
    return _number_of(digits), good


def _number_of(digits: Words) -> Places:
    digits = (digits * U(10) + (digits >> U(8))) & PAIRS
    digits = (digits * U(100) + (digits >> U(16))) & QUADS
    digits = (digits * U(10_000) + (digits >> U(32))) & EIGHT
    return digits.view(np.int64)


@dataclass(frozen=True)
class ParsedNumbers:
    """Mantissas and exponents; only where `good` do they mean something."""

    mantissas: Places
    exponents: npt.NDArray[np.int8]
    good: Marks


def parse_spans(buffer: bytes, starts: Places, ends: Places) -> ParsedNumbers:
    """Numbers written between `starts` and `ends`; eight readable bytes must stand before the first, 24 behind it."""
    wide = wide_of(buffer, starts, TEXT_WORDS)
    bits = _bits(ends - starts)
    numbers, found = parse_texts(
        # The words end where the texts do; what stands behind the second is looked at for a sign only.
        lambda number: wide[:, number] & ~(ALL << (bits - U(8 * WORD * number))),
        buffer,
        starts,
        lambda long: ends[long],
    )
    return ParsedNumbers(numbers.mantissas, numbers.exponents, numbers.good & (found == ends))


def parse_texts(
    word: Callable[[int], Words], buffer: bytes, starts: Places, ends_of: Callable[[Places], Places]
) -> tuple[ParsedNumbers, Places]:
    """The numbers that stand at those places, and where they end; `word` gives the first, second or third word there.

    Where those do not show the end, `ends_of` says it.
    """
    first, second = word(0), word(1)
    negative = (first & U(0xFF)) == ord("-")
    if negative.any():
        sign = _bits(negative)
        first, second = _behind(first, second, sign), _behind(second, word(2), sign)
        starts = starts + negative
    values, decimals, lengths = _short_numbers(first ^ ZEROS, second ^ ZEROS, buffer, starts)
    ends, good = starts + lengths, lengths > 0
    long = np.flatnonzero(lengths == LONG)
    if long.size:
        ends[long] = ends_of(long)
        values[long], decimals[long], good[long] = _long_numbers(words_of(buffer), starts[long], ends[long])
    if negative.any():
        values = np.where(negative, -values, values)
    return ParsedNumbers(values, (-decimals).astype(np.int8), good), ends


def _behind(word: Words, following: Words, bits: Words | np.uint64) -> Words:
    """The word so many bits further on."""
    return (word >> bits) | (following << (U(64) - bits))


def _short_numbers(first: Words, second: Words, buffer: bytes, starts: Places) -> tuple[Places, Places, Places]:
    """Digits from 0 to 9 byte by byte, fewer than 16, with at most a point between them: values, decimals, lengths."""
    whole = _leading_digits(first, second)
    dotted = np.frombuffer(buffer, np.uint8)[starts + (whole >> 3)] == ord(".")
    digits, decimals = whole, np.zeros(len(whole), np.int64)
    if dotted.any():
        first, second = _without(first, second, whole)
        digits = np.where(dotted, _leading_digits(first, second), whole)
        decimals = (digits - whole) >> 3
    lengths = (digits >> 3) + (decimals > 0)
    lengths[whole == 0] = 0
    lengths[digits == 8 * LONGEST] = LONG
    count = digits.view(np.uint64)
    low: Words = first << (U(64) - count)
    low |= first >> (count - U(64))
    low |= second << (U(128) - count)
    values = _number_of(low)
    if int(digits.max(initial=0)) > 8 * WORD:
        values += _number_of(first << (U(128) - count)) * np.int64(10**8)
    if decimals.any():
        values, decimals = _without_zeros(values, decimals)
    return values, decimals, lengths


def _leading_digits(first: Words, second: Words) -> Places:
    """How many bits the digits take that stand first, each as 0 to 9."""
    found = np.bitwise_count(_mask_of_digits(first))
    found += np.where(found == 8 * WORD, np.bitwise_count(_mask_of_digits(second)), np.uint8(0))
    return found.astype(np.int64)


def _mask_of_digits(digits: Words) -> Words:
    """All bits of the bytes before the first that is no digit."""
    others = ((digits + TO_HIGH) | digits) & HIGH_BITS
    return ((others & (~others + U(1))) >> U(7)) - U(1)


def _without(first: Words, second: Words, bits: Places) -> tuple[Words, Words]:
    """Both words without the byte that stands so many bits behind their start."""
    place = bits.view(np.uint64)
    behind, further = ALL << place, ALL << (place - U(64))
    further[bits < 8 * WORD] = ALL
    moved: Words = _behind(first, second, U(8)) & behind
    moved |= first & ~behind
    moved_second: Words = (second >> U(8)) & further
    moved_second |= second & ~further
    return moved, moved_second


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
