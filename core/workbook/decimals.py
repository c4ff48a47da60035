"""Exact decimals as Excel shows them: what a cell's text means, as an integer and a power of ten.

A double shows 15 significant digits. Writers store 940438.1899999999 for 940438.19 and 0.30000000000000004
for 0.3, so a number with a fraction or an exponent and more digits than 15 is rounded to 15, half away from
zero. A whole number written out in full is an identifier or an exact amount and keeps every digit.
"""

from decimal import Decimal

SIGNIFICANT_DIGITS = 15
LARGEST_EXPONENT = 308  # beyond it no double is finite
MAX_TEXT = 400  # the longest a double can be written out
MOST_POWER_DIGITS = 6
INT64_LIMIT = 1 << 63


def parse(text: str) -> tuple[int, int] | None:
    """`(mantissa, exponent)` with exponent <= 0 and no needless zeros, or None if it is no finite number."""
    if len(text) > MAX_TEXT or not text.isascii():
        return None
    bare = text.strip(" \t\r\n")
    number, has_power, power = _unsigned(bare).replace("E", "e").partition("e")
    whole, dot, fraction = number.partition(".")
    digits, power_digits = whole + fraction, _unsigned(power)
    if not digits.isdigit() or (has_power and not (power_digits.isdigit() and len(power_digits) <= MOST_POWER_DIGITS)):
        return None
    digits = digits.lstrip("0") or "0"
    exponent = int(power or 0) - len(fraction)
    if len(digits) + exponent > LARGEST_EXPONENT + 1 or len(digits) + exponent < -LARGEST_EXPONENT - 16:
        return (0, 0) if digits == "0" else None
    mantissa = int(digits)
    if (dot or has_power) and len(digits) > SIGNIFICANT_DIGITS:
        dropped = 10 ** (len(digits) - SIGNIFICANT_DIGITS)
        mantissa = (mantissa + dropped // 2) // dropped
        exponent += len(digits) - SIGNIFICANT_DIGITS
    if exponent > 0:
        mantissa, exponent = mantissa * 10**exponent, 0
    while exponent < 0 and mantissa % 10 == 0:
        mantissa //= 10
        exponent += 1
    return (-mantissa if bare[0] == "-" else mantissa), exponent


def _unsigned(text: str) -> str:
    return text[1:] if text[:1] in {"+", "-"} else text


def parse_float(value: float) -> tuple[int, int] | None:
    """A double as Excel shows it; infinities and NaN are None."""
    return parse(repr(value))


def show(mantissa: int, exponent: int) -> str:
    """Plain digits, never an exponent: `-12.5`."""
    if exponent >= 0:
        return str(mantissa * 10**exponent)
    digits = str(abs(mantissa)).rjust(1 - exponent, "0")
    fraction = digits[exponent:].rstrip("0")
    sign = "-" if mantissa < 0 else ""
    return f"{sign}{digits[:exponent]}.{fraction}" if fraction else f"{sign}{digits[:exponent]}"


def as_decimal(mantissa: int, exponent: int) -> Decimal:
    """The exact value; no context rounds it."""
    return Decimal((0 if mantissa >= 0 else 1, tuple(int(digit) for digit in str(abs(mantissa))), exponent))
