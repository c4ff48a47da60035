"""One whole run of a peer: `python peers.py READER FILE COLUMN TARGET`. Runs in the peers' environment, alone."""

import re
import sys
import zipfile
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any


def openpyxl_rows(path: str, column: str) -> Iterable[Any]:
    openpyxl: Any = import_module("openpyxl")

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    for sheet in book.worksheets:
        rows = sheet.iter_rows(values_only=True)
        at = list(next(rows)).index(column)
        for row in rows:
            yield row[at]


def calamine_rows(path: str, column: str) -> Iterable[Any]:
    python_calamine: Any = import_module("python_calamine")

    book = python_calamine.CalamineWorkbook.from_path(path)
    for name in book.sheet_names:
        rows = book.get_sheet_by_name(name).iter_rows()
        at = next(rows).index(column)
        for row in rows:
            yield row[at]


def pandas_frames(path: str, column: str, engine: str) -> Iterable[Any]:
    pd: Any = import_module("pandas")

    for frame in pd.read_excel(path, sheet_name=None, engine=engine).values():
        yield from frame[column].tolist()


def fastexcel_column(path: str, column: str) -> Iterable[Any]:
    fastexcel: Any = import_module("fastexcel")

    book = fastexcel.read_excel(path)
    for name in book.sheet_names:
        yield from book.load_sheet(name, use_columns=[column]).to_arrow()[column].to_pylist()


def polars_column(path: str, column: str) -> Iterable[Any]:
    pl: Any = import_module("polars")

    for frame in pl.read_excel(path, sheet_id=0, columns=[column]).values():
        yield from frame[column].to_list()


def duckdb_column(path: str, column: str) -> Iterable[Any]:
    """Sheet by sheet through the excel extension, which a wheel of its own brings."""
    duckdb: Any = import_module("duckdb")

    with zipfile.ZipFile(path) as archive:
        names = re.findall(r'<sheet name="([^"]+)"', archive.read("xl/workbook.xml").decode())
    database = duckdb.connect()
    folder = next(iter(import_module("duckdb_ext").__path__))
    extension = next(Path(folder).rglob("excel.duckdb_extension"))
    database.execute(f"LOAD '{extension}'")
    for name in names:
        query = f'SELECT "{column}" FROM read_xlsx(?, sheet = ?)'
        yield from (row[0] for row in database.execute(query, [path, name]).fetchall())


def native_column(path: str, column: str) -> Iterable[Any]:
    """ExcelReader's quickest way: one typed column, on every core."""
    excelreader: Any = import_module("excelreader")

    with excelreader.open_workbook(path) as book:
        spec = excelreader.ColumnSpec(excelreader.ColumnType.F64, name=column)
        for sheet in book.sheets:
            yield from sheet.parse([spec], parallelism=0).columns[0]


# Each reader is imported only when it is measured.
READERS = {
    "pandas + openpyxl": lambda path, column: pandas_frames(path, column, "openpyxl"),
    "openpyxl read-only": openpyxl_rows,
    "pandas + calamine": lambda path, column: pandas_frames(path, column, "calamine"),
    "python-calamine rows": calamine_rows,
    "fastexcel, one column": fastexcel_column,
    "polars read_excel": polars_column,
    "duckdb excel": duckdb_column,
    "excelreader-native": native_column,
}


def main(reader: str, path: str, column: str, target: str) -> None:
    """An exact dict scan in cents, as a careful user would write it."""
    wanted = round(float(target) * 100)
    seen: dict[int, int] = {}
    count, pair = 0, None
    for at, value in enumerate(READERS[reader](path, column)):
        cents = round(value * 100)
        count += 1
        if pair is None and wanted - cents in seen:
            pair = seen[wanted - cents], at
        seen[cents] = at
    print(count, pair)


if __name__ == "__main__":
    main(*sys.argv[1:])
