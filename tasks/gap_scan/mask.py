"""Masks such as `INV-{year}-{000000}`: read numbers and their groups out of texts, and write them back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import InvalidInputError

_PLACE = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}", re.ASCII)
MOST_DIGITS = 18  # what a signed 64-bit number holds whatever the digits are
LONGEST = 200
KNOWN = {"year": r"[0-9]{4}", "yy": r"[0-9]{2}", "month": r"0[1-9]|1[0-2]", "day": r"0[1-9]|[12][0-9]|3[01]"}
ANY = r"[A-Za-z0-9]+"


Texts = Any  # a pyarrow array of text; its stubs know no such type


@dataclass(frozen=True)
class Read:
    """What a mask found in texts: for each whether it fits, its number, and the text of each named place."""

    fits: npt.NDArray[np.bool_]
    numbers: npt.NDArray[np.int64]
    labels: Mapping[str, Texts]


@dataclass(frozen=True)
class Mask:
    """One place of zeros is the number, as wide as there are zeros; named places make groups; the rest is literal."""

    text: str
    pattern: str
    names: tuple[str, ...]
    width: int
    parts: tuple[tuple[str, str], ...]  # what it is (literal, name, number) and its text

    @property
    def is_number_alone(self) -> bool:
        return len(self.parts) == 1

    def read(self, texts: Sequence[str]) -> Read:
        """All at once; spaces around a text are ignored."""
        compute: Any = pc  # its stubs know neither text arrays nor structs
        trimmed = compute.ascii_trim_whitespace(pa.array(texts, pa.large_string()))
        found = compute.extract_regex(trimmed, pattern=f"^(?:{self.pattern})$")
        digits = compute.cast(compute.struct_field(found, "N"), pa.int64())
        return Read(
            fits=np.asarray(found.is_valid()),
            numbers=np.asarray(digits.fill_null(0)),
            labels={name: compute.struct_field(found, name) for name in self.names},
        )

    def write(self, number: int, labels: Mapping[str, str]) -> str:
        """The text that a number of a group should have."""
        written = {"number": lambda _: str(number).zfill(self.width), "name": labels.__getitem__}
        return "".join(text if kind == "literal" else written[kind](text) for kind, text in self.parts)


def plain_mask() -> Mask:
    """Whole numbers as people type them, zeros in front or not."""
    return Mask("", r"(?P<N>-?[0-9]{1,18})", (), 1, (("number", "0"),))


def parse_mask(text: str) -> Mask:
    """Understand a mask, or say what is wrong with it."""
    if len(text) > LONGEST:
        raise InvalidInputError(f"a mask has at most {LONGEST} characters", field="mask")
    parts: list[tuple[str, str]] = []
    at = 0
    for place in _PLACE.finditer(text):
        _literal(parts, text[at : place.start()], text)
        parts.append(_place(place[1], text))
        at = place.end()
    _literal(parts, text[at:], text)
    names = tuple(part for kind, part in parts if kind == "name")
    numbers = [part for kind, part in parts if kind == "number"]
    if len(numbers) != 1:
        raise _wrong(text, f"it has {len(numbers)} places of zeros; one is the number, as in INV-{{year}}-{{000000}}")
    if len(set(names)) < len(names):
        raise _wrong(text, "a name is used twice")
    width = len(numbers[0])
    return Mask(text, "".join(_pattern(kind, part, width) for kind, part in parts), names, width, tuple(parts))


def _literal(parts: list[tuple[str, str]], text: str, mask: str) -> None:
    if "{" in text or "}" in text:
        raise _wrong(mask, "a brace is not closed, or not opened")
    if text:
        parts.append(("literal", text))


def _place(inside: str, mask: str) -> tuple[str, str]:
    if inside and not inside.strip("0"):
        if len(inside) > MOST_DIGITS:
            raise _wrong(mask, f"a number has at most {MOST_DIGITS} digits")
        return "number", inside
    if _NAME.fullmatch(inside):
        return "name", inside
    raise _wrong(mask, f"{{{inside}}} is neither zeros nor a name in lower-case letters")


def _pattern(kind: str, part: str, width: int) -> str:
    if kind == "literal":
        return re.escape(part)
    if kind == "name":
        return f"(?P<{part}>{KNOWN.get(part, ANY)})"
    # As wide as the zeros; beyond them only where a series outgrew its width, and then without zeros in front.
    grown = f"|[1-9][0-9]{{{width},{MOST_DIGITS - 1}}}" if width < MOST_DIGITS else ""
    return f"(?P<N>[0-9]{{{width}}}{grown})"


def _wrong(mask: str, why: str) -> InvalidInputError:
    return InvalidInputError(f"the mask {mask!r} cannot be used: {why}", field="mask")
