"""What the reader finds, as plain Python values: `{row: value}` for one column."""

from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

from core.workbook import addresses, xlsx
from core.workbook.cells import CellKind, Cells
from core.workbook.opening import open_source


def shown(cells: Cells) -> dict[int, object]:
    return {int(row): plain(cells, at) for at, row in enumerate(cells.rows)}


def plain(cells: Cells, at: int) -> object:
    kind, mantissa = CellKind(cells.kinds[at]), int(cells.mantissas[at])
    match kind:
        case CellKind.NUMBER:
            return Decimal(mantissa).scaleb(int(cells.exponents[at])).normalize() + 0
        case CellKind.BIG:
            return Decimal(cells.texts[mantissa])
        case CellKind.TEXT | CellKind.ERROR:
            return (kind.name, cells.texts[mantissa])
        case CellKind.BOOLEAN:
            return bool(mantissa)
        case _:
            return kind.name


def read(path: Path, column: str = "A", *, sheet: int = 0, first_row: int = 1, quick: bool = True) -> dict[int, object]:
    """The column's cells with their texts."""
    index = addresses.column_number(column)
    with open_source(path, quick=quick) as source:
        return shown(source.columns(source.sheets[sheet], {index: True}, first_row)[index])


def both(path: Path, column: str = "A", **options: object) -> dict[int, object]:
    """The quick readers, native and pure, and the general one must say the same."""
    found = [read(path, column, quick=quick, **options) for quick in (True, False)]
    with patch.object(xlsx, "native_library", lambda: None):
        found.append(read(path, column, **options))
    assert found[0] == found[1] == found[2]
    return found[0]
