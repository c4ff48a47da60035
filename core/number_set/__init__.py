"""Sets of the numbers 1 to a maximum, to extract numbers from: of one process, or shared by all nodes."""

from core.number_set.errors import (
    HIGHEST_MAXIMUM,
    MultipleNumbersExtractedError,
    NoNumbersExtractedError,
    NumberAlreadyExtractedError,
    NumberOutOfRangeError,
)
from core.number_set.history import Entry, HeldHistory, History
from core.number_set.local import NumberSet
from core.number_set.shared import JOURNAL, KEYS_REMEMBERED, Extraction, SetFacts, SharedNumberSets, checked_name

__all__ = [
    "HIGHEST_MAXIMUM",
    "JOURNAL",
    "KEYS_REMEMBERED",
    "Entry",
    "Extraction",
    "HeldHistory",
    "History",
    "MultipleNumbersExtractedError",
    "NoNumbersExtractedError",
    "NumberAlreadyExtractedError",
    "NumberOutOfRangeError",
    "NumberSet",
    "SetFacts",
    "SharedNumberSets",
    "checked_name",
]
