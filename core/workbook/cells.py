"""One column's cells as arrays: where each stands, what kind it is, and its exact value."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.light_types import TYPE_CHECKING, IntEnum, NamedTuple
from core.workbook import decimals

if TYPE_CHECKING:  # numpy takes longer to load than a workbook of a million rows to read natively
    from typing import Any

    import numpy as np
    import numpy.typing as npt


class CellKind(IntEnum):
    """What a cell holds. The numbers are stored in the column cache and shared with the native part."""

    NUMBER = 0  # mantissa and exponent
    BIG = 1  # a number beyond 64 bits: its plain digits are in `texts`
    SHARED = 2  # mantissa is a place in the workbook's shared strings, not looked up
    TEXT = 3
    BOOLEAN = 4
    ERROR = 5
    NO_VALUE = 6  # a formula saved without its result


HAS_TEXT = (CellKind.BIG, CellKind.TEXT, CellKind.ERROR)
SMALLEST_EXPONENT = -127
Tick = Callable[[int, int], None]  # packed bytes read, of how many


class Cells:
    """The cells of one column from top to bottom, empty ones left out. `rows` are the sheet's own numbers."""

    __slots__ = ("exponents", "kinds", "mantissas", "rows", "texts")

    def __init__(
        self,
        rows: npt.NDArray[np.int64],
        kinds: npt.NDArray[np.uint8],
        mantissas: npt.NDArray[np.int64],  # of kinds with a text: the place in `texts`
        exponents: npt.NDArray[np.int8],
        texts: Sequence[str],
    ) -> None:
        self.rows, self.kinds, self.mantissas, self.exponents = rows, kinds, mantissas, exponents
        self.texts = texts

    def __len__(self) -> int:
        return len(self.rows)


class CellValue(NamedTuple):
    """One cell, understood."""

    kind: CellKind
    mantissa: int = 0
    exponent: int = 0
    text: str = ""

    def shown(self) -> str:
        """As a person reads it in the sheet."""
        match self.kind:
            case CellKind.NUMBER:
                return decimals.show(self.mantissa, self.exponent)
            case CellKind.BOOLEAN:
                return "TRUE" if self.mantissa else "FALSE"
            case _:
                return self.text


def number_value(text: str) -> CellValue | None:
    """The exact value of a number's text, whatever its size."""
    parsed = decimals.parse(text)
    if parsed is None:
        return None
    mantissa, exponent = parsed
    if abs(mantissa) < decimals.INT64_LIMIT and exponent >= SMALLEST_EXPONENT:
        return CellValue(CellKind.NUMBER, mantissa, exponent)
    return CellValue(CellKind.BIG, text=decimals.show(mantissa, exponent))


class CellsBuilder:
    """Collects cells in reading order, one by one or as arrays."""

    def __init__(self) -> None:
        self._blocks: list[list[npt.NDArray[Any]]] = []
        self._loose: list[tuple[int, int, int, int]] = []
        self._texts: list[str] = []
        self.text_bytes = 0

    @property
    def texts(self) -> Sequence[str]:
        return self._texts

    def place_of(self, text: str) -> int:
        self._texts.append(text)
        self.text_bytes += len(text) + 49
        return len(self._texts) - 1

    def encode(self, value: CellValue) -> tuple[int, int, int]:
        """Kind, mantissa and exponent, with the text put aside."""
        mantissa = self.place_of(value.text) if value.kind in HAS_TEXT else value.mantissa
        return value.kind, mantissa, value.exponent

    def add(self, row: int, value: CellValue) -> None:
        self._loose.append((row, *self.encode(value)))
        if len(self._loose) >= 1 << 16:
            self._flush()

    def add_block(
        self,
        rows: npt.NDArray[np.int64] | npt.NDArray[np.int32],
        kinds: npt.NDArray[np.uint8],
        mantissas: npt.NDArray[np.int64],
        exponents: npt.NDArray[np.int8],
    ) -> None:
        self._flush()
        self._blocks.append([rows, kinds, mantissas, exponents])

    def _flush(self) -> None:
        if self._loose:
            import numpy as np  # noqa: PLC0415 - see above

            table = np.array(self._loose, dtype=np.int64)
            kinds, exponents = table[:, 1].astype(np.uint8), table[:, 3].astype(np.int8)
            self._blocks.append([table[:, 0].copy(), kinds, table[:, 2].copy(), exponents])
            self._loose = []

    def finish(self) -> Cells:
        import numpy as np  # noqa: PLC0415 - see above

        self._flush()
        blocks, self._blocks = self._blocks, []
        if not blocks:
            return Cells(np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.int64), np.empty(0, np.int8), ())
        # The last field first, each taken out of its block as it is joined: the column is never held twice.
        exponents, mantissas, kinds = (np.concatenate([block.pop() for block in blocks]) for _ in range(3))
        rows = np.concatenate([block.pop() for block in blocks], dtype=np.int64)
        return Cells(rows, kinds, mantissas, exponents, self._texts)
