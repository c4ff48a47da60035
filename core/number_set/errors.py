"""What can be wrong with a request to a number set. The codes are older than we are, hence the capitals."""

from core.errors import ConflictError, InvalidInputError

HIGHEST_MAXIMUM = 10_000_000


class NumberOutOfRangeError(InvalidInputError, ValueError):
    code = "NUMBER_OUT_OF_RANGE"

    def __init__(self, number: int, highest: int) -> None:
        super().__init__(
            f"Number {shortened(number)} is out of range: 1 to {highest}",
            number=number if abs(number) < 2**63 else shortened(number),
            min_value=1,
            max_value=highest,
        )


class NumberAlreadyExtractedError(ConflictError, ValueError):
    code = "NUMBER_ALREADY_EXTRACTED"

    def __init__(self, number: int) -> None:
        super().__init__(f"Number {number} has already been extracted", number=number)


class NoNumbersExtractedError(InvalidInputError, ValueError):
    code = "NO_NUMBERS_EXTRACTED"

    def __init__(self) -> None:
        super().__init__("No number has been extracted, so none is missing", extracted_count=0)


class MultipleNumbersExtractedError(InvalidInputError, ValueError):
    code = "MULTIPLE_NUMBERS_EXTRACTED"

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} numbers have been extracted; one is asked for", extracted_count=count)


def shortened(number: int) -> str:
    """A number for a message: one of a million digits must not fill it."""
    if abs(number) < 10**30:
        return str(number)
    return f"of about {number.bit_length() * 30103 // 100000 + 1} digits"
