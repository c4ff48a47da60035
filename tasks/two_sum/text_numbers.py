"""Numbers that were typed as text: `1.234,56`, `(123.45)`, `EUR 12.50-`. Never guessed where two readings exist."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from core.workbook.cells import CellValue, number_value
from tasks.two_sum.contract import CREDIT_SIGNS, DEBIT_SIGNS, TextNumbers

CODES = (
    "EUR USD GBP CHF JPY CNY INR SEK NOK DKK ISK PLN CZK HUF RON BGN TRY ILS ZAR BRL MXN CAD AUD NZD SGD HKD KRW THB"
    " kr zł Kč Ft Fr SFr Rs"
)
CURRENCY = rf"[A-Z]{{0,2}}\$|[€£¥₹₽₩₺฿₪₫]|(?:{CODES.replace(' ', '|')})\.?"
IN_FRONT = re.compile(rf"(?:{CURRENCY})(?![^\W\d_])", re.IGNORECASE)
BEHIND = re.compile(rf"(?<![^\W\d_])(?:{CURRENCY})$", re.IGNORECASE)
WORD_IN_FRONT = re.compile(r"([^\W\d_]{2,})\.?(?=[^.,])")
WORD_BEHIND = re.compile(r"([^\W\d_]{2,})\.?$")
# Minus signs and apostrophes of every keyboard; marks that nobody sees come along from web pages.
PLAIN = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "-")
    | dict.fromkeys("\u2018\u2019\u02bc`\u00b4", "'")
    | dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff\u00ad", None)
)
NO_CENTS = re.compile(r"(?<=[0-9])([.,])--?$")  # 5.- and 5,-- are five, not minus five
SPACED = re.compile(r"(?<![0-9])[0-9]{1,3}(?:([^\S\r\n]|')[0-9]{3})(?:\1[0-9]{3})*(?![0-9\s'])")  # not over two lines
SHAPE = re.compile(r"[0-9]*(?:[.,][0-9]+)*[.,]?", re.ASCII)
LONGEST = 100  # no amount is; a cell holds 32,767 characters, and looking for words in them takes its time
# By thousands, or as in India: 12,34,567.
GROUPED = re.compile(r"[0-9]{1,3}(?:%s[0-9]{3})+|[0-9]{1,2}(?:%s[0-9]{2})+%s[0-9]{3}", re.ASCII)

# What nearly every text is, at one look; the others are taken apart piece by piece.
USUAL_FORM = re.compile(
    rf"\s*([-+(])?\s*(?:{CURRENCY})?\s*([0-9](?:[0-9.,' ]*[0-9])?)\s*(?:{CURRENCY})?\s*([-+)])?\s*", re.IGNORECASE
)
IS_NEGATIVE = {("", ""): False, ("+", ""): False, ("", "+"): False, ("-", ""): True, ("", "-"): True, ("(", ")"): True}

LAST_MARK = {".": TextNumbers.POINT, ",": TextNumbers.COMMA}

Signs = Mapping[str, int]


def words_of(negative: Iterable[str], positive: Iterable[str]) -> Signs:
    """What may stand beside an amount for its sign; a single letter might be a unit, and is left alone."""
    signed = [(word, -1) for word in negative] + [(word, 1) for word in positive]
    plain = ((word.strip().casefold().removesuffix("."), sign) for word, sign in signed)
    return MappingProxyType({word: sign for word, sign in plain if len(word) > 1})


USUAL = words_of(CREDIT_SIGNS, DEBIT_SIGNS)


def style_of(texts: Iterable[str]) -> TextNumbers | None:
    """The style that the texts prove together; None if nothing in them does."""
    votes = styles_proven(texts)
    return votes.pop() if len(votes) == 1 else None


def styles_proven(texts: Iterable[str], signs: Signs = USUAL) -> set[TextNumbers]:
    """Every style that some text can only be read in; what is no number in it proves nothing."""
    votes = set[TextNumbers]()
    for text in texts:
        last = max(text.rfind("."), text.rfind(","))
        if last < 0 or (LAST_MARK[text[last]] in votes and text.count(text[last]) == 1):
            continue  # it has nothing to say, or nothing new
        number = bare(text, signs)
        style = None if number is None else _proven(number.digits)
        if number is not None and style is not None and value_of(number, style) is not None:
            votes.add(style)
    return votes


def _proven(digits: str) -> TextNumbers | None:
    marks = [letter for letter in digits if letter in ".,"]
    if not marks:
        return None
    last = marks[-1]
    after = len(digits) - digits.rindex(last) - 1
    if len(set(marks)) > 1 or (len(marks) == 1 and after != 3):  # noqa: PLR2004 - three digits may be thousands
        return LAST_MARK[last]
    if len(marks) > 1:  # 1.234.567: the repeated mark groups thousands
        return TextNumbers.COMMA if last == "." else TextNumbers.POINT
    return None


def parse_text(text: str, style: TextNumbers, signs: Signs = USUAL) -> CellValue | None:
    """The number a text means in that style; None if it is none, or if its grouping says otherwise."""
    number = bare(text, signs)
    return None if number is None else value_of(number, style)


class Bare(NamedTuple):
    """A number's digits and marks, without currency, spaces and sign."""

    digits: str
    negative: bool


def value_of(number: Bare, style: TextNumbers) -> CellValue | None:
    if not SHAPE.fullmatch(number.digits) or not any(letter.isdigit() for letter in number.digits):
        return None
    group, point = (",", ".") if style is TextNumbers.POINT else (".", ",")
    whole, _, fraction = number.digits.partition(point)
    if point in fraction or group in fraction:
        return None
    if group in whole and not re.fullmatch(GROUPED.pattern.replace("%s", re.escape(group)), whole, re.ASCII):
        return None
    sign = "-" if number.negative else ""
    value = number_value(f"{sign}{whole.replace(group, '') or '0'}.{fraction or '0'}")
    return value if fraction else number_value(f"{sign}{whole.replace(group, '')}") or value


def bare(text: str, signs: Signs = USUAL) -> Bare | None:
    """What is left of a text; None where it has two signs, or is too long to be an amount."""
    if len(text) > LONGEST:
        return None
    if not text.isascii():
        text = text.translate(PLAIN)
    if (match := USUAL_FORM.fullmatch(text)) and (match[1] or "", match[3] or "") in IS_NEGATIVE:
        return Bare(_together(match[2]), IS_NEGATIVE[match[1] or "", match[3] or ""])
    rest, found, before = text.strip(), list[int](), None
    while rest != before:
        before = rest
        rest = NO_CENTS.sub(r"\g<1>00", _without_currency(rest))
        rest = _without_sign(rest, signs, found).strip()
    if len(found) > 1:
        return None
    return Bare(_together(rest.removeprefix("'")), negative=found == [-1])


def _together(digits: str) -> str:
    """Without the spaces and apostrophes that group thousands; others stay, and make it no number."""
    if SHAPE.fullmatch(digits):
        return digits
    return SPACED.sub(lambda match: match[0].replace(match[1], ""), digits)


def _without_currency(text: str) -> str:
    if match := IN_FRONT.match(text):
        return text[match.end() :].lstrip()
    match = BEHIND.search(text)
    return text[: match.start()].rstrip() if match else text


def _without_sign(text: str, signs: Signs, found: list[int]) -> str:
    """One sign less, noted: brackets, plus or minus on either side, or a word such as CR."""
    if text.startswith("(") and text.endswith(")"):
        found.append(-1)
        return text[1:-1]
    for mark, sign in (("-", -1), ("+", 1)):
        if text.startswith(mark) or text.endswith(mark):
            found.append(sign)
            return text[1:] if text.startswith(mark) else text[:-1]
    for match in (WORD_IN_FRONT.match(text), WORD_BEHIND.search(text)):
        if match and match[1].casefold() in signs:
            found.append(signs[match[1].casefold()])
            return text[: match.start()] + text[match.end() :]
    return text
