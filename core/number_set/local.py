"""A set of the numbers 1 to a maximum in this process, which knows its missing number without looking."""

import threading

from core.number_set.errors import (
    MultipleNumbersExtractedError,
    NoNumbersExtractedError,
    NumberAlreadyExtractedError,
    NumberOutOfRangeError,
)


class NumberSet:
    """Full at first. What the sum of the numbers left lacks of n(n + 1) / 2 is the missing one: O(1)."""

    def __init__(self, max_number: int = 100) -> None:
        if whole(max_number) < 1:
            raise ValueError(f"the maximum of a number set is 1 or more, not {max_number}")
        self.max_number = max_number
        self._guard = threading.Lock()
        self.reset()

    def extract(self, number: int) -> int:
        """Take a number out of the set; of several threads that take the same one, one succeeds."""
        if not 1 <= whole(number) <= self.max_number:
            raise NumberOutOfRangeError(number, self.max_number)
        place, bit = divmod(number, 8)
        with self._guard:
            if self._is_extracted[place] >> bit & 1:
                raise NumberAlreadyExtractedError(number)
            self._is_extracted[place] |= 1 << bit
            self._sum_left -= number
            self._count += 1
        return number

    def find_missing_number(self) -> int:
        """The one number that was extracted."""
        with self._guard:
            count, missing = self._count, self.max_number * (self.max_number + 1) // 2 - self._sum_left
        if count == 0:
            raise NoNumbersExtractedError
        if count > 1:
            raise MultipleNumbersExtractedError(count)
        return missing

    def get_current_set(self) -> set[int]:
        """The numbers that are left."""
        with self._guard:
            extracted = bytes(self._is_extracted)
        return {n for n in range(1, self.max_number + 1) if not extracted[n >> 3] >> (n & 7) & 1}

    def reset(self) -> None:
        with self._guard:
            self._is_extracted = bytearray(self.max_number // 8 + 1)
            self._sum_left = self.max_number * (self.max_number + 1) // 2
            self._count = 0

    def __len__(self) -> int:
        return self.max_number - self._count

    def __contains__(self, number: object) -> bool:
        if type(number) is not int or not 1 <= number <= self.max_number:
            return False
        return not self._is_extracted[number >> 3] >> (number & 7) & 1


def whole(number: int) -> int:
    """The number, if it is an integer; True is none."""
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"a number of a number set is an integer, not {type(number).__name__}")
    return number
