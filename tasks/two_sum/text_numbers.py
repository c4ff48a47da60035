"""Numbers that were typed as text: `1.234,56`, `(123.45)`, `EUR 12.50-`. Never guessed where two readings exist."""

import re
from collections.abc import Iterable

from core.workbook.cells import CellValue, number_value
from tasks.two_sum.contract import TextNumbers

CODES = (
    "EUR USD GBP CHF JPY CNY INR SEK NOK DKK ISK PLN CZK HUF RON BGN TRY ILS ZAR BRL MXN CAD AUD NZD SGD HKD KRW THB"
)
CURRENCY = re.compile(rf"R\$|[$€£¥₹₽₩₺฿₪₫]|\b(?:{CODES.replace(' ', '|')}|kr|zł|Kč|Ft)\b", re.IGNORECASE)
SPACES = re.compile(r"[\s\u00a0\u202f'\u2019]")
SHAPE = re.compile(r"[0-9]*(?:[.,][0-9]+)*[.,]?", re.ASCII)
# By thousands, or as in India: 12,34,567.
GROUPED = re.compile(r"[0-9]{1,3}(?:%s[0-9]{3})+|[0-9]{1,2}(?:%s[0-9]{2})+%s[0-9]{3}", re.ASCII)


def style_of(texts: Iterable[str]) -> TextNumbers | None:
    """The style that the column's own texts prove; None if nothing in it does."""
    votes = set()
    for text in texts:
        bare = _bare(text)[0]
        marks = [letter for letter in bare if letter in ".,"]
        if not marks:
            continue
        last = marks[-1]
        after = len(bare) - bare.rindex(last) - 1
        if len(set(marks)) > 1 or (len(marks) == 1 and after != 3):  # noqa: PLR2004 - three digits may be thousands
            votes.add(TextNumbers.POINT if last == "." else TextNumbers.COMMA)
        elif len(marks) > 1:  # 1.234.567: the repeated mark groups thousands
            votes.add(TextNumbers.COMMA if last == "." else TextNumbers.POINT)
    return votes.pop() if len(votes) == 1 else None


def parse_text(text: str, style: TextNumbers) -> CellValue | None:
    """The number a text means in that style; None if it is none, or if its grouping says otherwise."""
    bare, negative = _bare(text)
    if not bare or not SHAPE.fullmatch(bare) or not any(letter.isdigit() for letter in bare):
        return None
    group, point = (",", ".") if style is TextNumbers.POINT else (".", ",")
    whole, _, fraction = bare.partition(point)
    if point in fraction or group in fraction:
        return None
    if group in whole and not re.fullmatch(GROUPED.pattern.replace("%s", re.escape(group)), whole, re.ASCII):
        return None
    value = number_value(f"{'-' if negative else ''}{whole.replace(group, '') or '0'}.{fraction or '0'}")
    return value if fraction else number_value(f"{'-' if negative else ''}{whole.replace(group, '')}") or value


def _bare(text: str) -> tuple[str, bool]:
    """Without currency, spaces and sign; and whether it is negative."""
    bare = SPACES.sub("", CURRENCY.sub("", text)).replace("\u2212", "-").replace("\u2013", "-")
    negative = False
    if bare.startswith("(") and bare.endswith(")"):
        bare, negative = bare[1:-1], True
    if bare.endswith("-") and not bare.startswith("-"):
        bare = f"-{bare[:-1]}"
    if bare.startswith(("-", "+")):
        negative ^= bare[0] == "-"
        bare = bare[1:]
    return bare, negative
