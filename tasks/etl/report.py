"""Count fates as they are decided: by reason, by repair, with a few examples of each."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.etl.arrow import pc
from tasks.etl.fields import COLUMNS
from tasks.etl.judge import Judged
from tasks.etl.reasons import Note, Reason, notes_in, reasons_in

EXAMPLES = 5
LONGEST_SHOWN = 100


class FateReport:
    """How many rows became what, and why."""

    def __init__(self) -> None:
        self._rows = self._sound = self._repaired = 0
        self._reasons: Counter[Reason] = Counter()
        self._notes: Counter[Note] = Counter()
        self._examples: dict[Reason | Note, list[dict[str, Any]]] = {}
        self._amount = 0
        self._days: tuple[int, int] | None = None

    def add(self, judged: Judged, chosen: NDArray[np.bool_]) -> None:
        sound = (judged.reasons == 0) & chosen
        self._rows += int(chosen.sum())
        self._sound += int(sound.sum())
        high, low = np.divmod(judged.cents[sound], 10**8)  # apart: the sum of largest amounts is beyond 64 bits
        self._amount += int(high.sum()) * 10**8 + int(low.sum())
        self._count(judged, np.where(chosen, judged.reasons, 0), reasons_in, self._reasons)
        notes = np.where(sound, judged.notes, 0)
        self._count(judged, notes, notes_in, self._notes)
        repairs = sum(note.bit for note in Note if note.is_repair)
        self._repaired += int(((notes & repairs) != 0).sum())

    def _count(self, judged: Judged, bits: Any, names_in: Any, counter: Counter[Any]) -> None:
        present = np.flatnonzero(bits)
        if not len(present):
            return
        for value, count in zip(*np.unique(bits[present], return_counts=True), strict=True):
            for name in names_in(int(value)):
                counter[name] += int(count)
                shown = self._examples.setdefault(name, [])
                if len(shown) < EXAMPLES:
                    where = np.flatnonzero(bits == value)[: EXAMPLES - len(shown)]
                    shown.extend(_example(judged, int(row)) for row in where)

    def facts(self) -> dict[str, Any]:
        return {
            "rows": self._rows,
            "charges": self._sound,
            "rejected": self._rows - self._sound,
            "repaired": self._repaired,
            "total_amount": f"{self._amount // 100}.{self._amount % 100:02d}",
            "reasons": {str(reason): self._reasons[reason] for reason in Reason if self._reasons[reason]},
            "notes": {str(note): self._notes[note] for note in Note if self._notes[note]},
            "examples": {str(name): shown for name, shown in self._examples.items()},
        }


def _example(judged: Judged, row: int) -> dict[str, Any]:
    values = {name: judged.records.column(name)[row].as_py() for name in COLUMNS}
    line = pc.cast(judged.records.column("line")[row], "int64").as_py()
    return {"line": line, **{name: (value or "")[:LONGEST_SHOWN] for name, value in values.items()}}
