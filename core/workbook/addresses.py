"""Column letters and numbers: A is 0, XFD is 16,383."""

import re

ADDRESS = re.compile(r"\$?([A-Za-z]{1,3})\$?([1-9][0-9]{0,6})")
LETTERS = re.compile(r"[A-Za-z]{1,3}")
MAX_COLUMNS = 16_384
MAX_ROWS = 1_048_576


def letters(column: int) -> str:
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def column_number(text: str) -> int | None:
    """The column of those letters, or None if no sheet has it."""
    if not LETTERS.fullmatch(text):
        return None
    number = 0
    for letter in text.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1 if number <= MAX_COLUMNS else None


def split(address: str) -> tuple[int, int] | None:
    """Row (from 1) and column (from 0) of an address such as `B12`."""
    match = ADDRESS.fullmatch(address)
    if not match:
        return None
    column, row = column_number(match[1]), int(match[2])
    return None if column is None or row > MAX_ROWS else (row, column)
