"""Numbers that were voided and need not be there: single ones, ranges, or texts of the mask for one group."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from core.errors import InvalidInputError
from tasks.gap_scan.mask import Mask
from tasks.gap_scan.ranges import Ranges, merged

_PLAIN = re.compile(r"(-?\d{1,18})(?:\s*\.\.\s*(-?\d{1,18}))?", re.ASCII)
BETWEEN = ".."

LabelValues = tuple[str, ...]  # of the mask's names, in its order


class Voided:
    """For each group what was voided: plain numbers count in every group, texts of the mask in their own."""

    def __init__(self, entries: Sequence[int | str], mask: Mask | None) -> None:
        self._everywhere: list[tuple[int, int]] = []
        self._by_label: dict[LabelValues, list[tuple[int, int]]] = {}
        masked: list[tuple[str, str]] = []
        for entry in entries:
            if isinstance(entry, int):
                self._everywhere.append((entry, entry))
            elif plain := _PLAIN.fullmatch(entry.strip()):
                self._everywhere.append((int(plain[1]), int(plain[2] or plain[1])))
            else:
                first, _, last = entry.partition(BETWEEN)
                masked.append((first, last or first))
        if masked:
            self._read(masked, mask)
        self._common = merged(self._everywhere)

    def _read(self, masked: Sequence[tuple[str, str]], mask: Mask | None) -> None:
        ends = [end for pair in masked for end in pair]
        if mask is None:
            raise InvalidInputError(
                f"voided number {ends[0][:80]!r} is no number, and there is no mask", field="voided"
            )
        read = mask.read(ends)
        names = [read.labels[name].to_pylist() for name in mask.names]
        for place in range(0, len(ends), 2):
            if not (read.fits[place] and read.fits[place + 1]):
                wrong = ends[place] if not read.fits[place] else ends[place + 1]
                raise InvalidInputError(
                    f"voided number {wrong[:80]!r} does not fit the mask {mask.text!r}", field="voided"
                )
            labels = [tuple(values[end] for values in names) for end in (place, place + 1)]
            if labels[0] != labels[1]:
                raise InvalidInputError(
                    f"the voided range {ends[place][:80]!r}..{ends[place + 1][:80]!r} leaves its group", field="voided"
                )
            numbers = (int(read.numbers[place]), int(read.numbers[place + 1]))
            self._by_label.setdefault(labels[0], []).append(numbers)

    def of(self, label: Mapping[str, str], mask: Mask | None) -> Ranges:
        """What was voided of the group with this label."""
        if mask is None or not self._by_label:
            return self._common
        own = self._by_label.get(tuple(label[name] for name in mask.names))
        return self._common if own is None else merged([*self._everywhere, *own])
