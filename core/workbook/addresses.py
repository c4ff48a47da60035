"""Column letters and numbers: A is 0, XFD is 16,383."""

MOST_LETTERS, MOST_DIGITS = 3, 7
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
    if not (text.isascii() and text.isalpha() and len(text) <= MOST_LETTERS):
        return None
    number = 0
    for letter in text.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1 if number <= MAX_COLUMNS else None


def split(address: str) -> tuple[int, int] | None:
    """Row (from 1) and column (from 0) of an address such as `B12`."""
    address = address.removeprefix("$")
    start = address.rstrip("0123456789")
    digits = address[len(start) :]
    column = column_number(start.removesuffix("$"))
    if column is None or not digits or digits[0] == "0" or len(digits) > MOST_DIGITS:
        return None
    row = int(digits)
    return None if row > MAX_ROWS else (row, column)
