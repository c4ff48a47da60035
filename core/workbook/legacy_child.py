"""Read one .xls, .xlsb or .ods file and write its cells as Arrow; run as a child process with limits."""

import resource
import sys
from datetime import date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
import python_calamine

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 100
FIELDS: list[tuple[str, Any]] = [
    ("sheet", pa.int32()),
    ("row", pa.int64()),
    ("column", pa.int32()),
    ("kind", pa.string()),
    ("number", pa.float64()),
    ("text", pa.string()),
]
SCHEMA = pa.schema(FIELDS)
BATCH = 65_536

Cell = tuple[str, float, str]


def cell_of(value: object) -> Cell | None:  # noqa: PLR0911 - one line for each type
    """Kind, number and text of what the library gives for one cell."""
    match value:
        case bool():
            return "boolean", float(value), ""
        case int() | float():
            return "number", float(value), ""
        case datetime():
            return "date", 0.0, value.isoformat() if value.time() != time() else value.date().isoformat()
        case date():
            return "date", 0.0, value.isoformat()
        case time() | timedelta():
            return "text", 0.0, str(value)
        case str() if value:
            return "text", 0.0, value
        case _:
            return None


def main(source: str, target: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    book = python_calamine.CalamineWorkbook.from_path(source)
    names = {f"sheet{at:05d}": name for at, name in enumerate(book.sheet_names)}
    with pa.OSFile(target, "wb") as out, pa.ipc.new_file(out, SCHEMA.with_metadata(names)) as writer:
        for at, name in enumerate(book.sheet_names):
            batch: list[tuple[int, int, int, str, float, str]] = []
            sheet = book.get_sheet_by_name(name)
            first = sheet.start[0] if sheet.start else 0  # empty rows above must not shift the numbers
            for row, values in enumerate(sheet.to_python(skip_empty_area=True), start=first + 1):
                offset = sheet.start[1] if sheet.start else 0
                for column, value in enumerate(values, start=offset):
                    cell = cell_of(value)
                    if cell:
                        batch.append((at, row, column, *cell))
                if len(batch) >= BATCH:
                    writer.write_batch(_batch(batch))
                    batch.clear()
            writer.write_batch(_batch(batch))


def _batch(cells: list[tuple[int, int, int, str, float, str]]) -> pa.RecordBatch:
    columns = zip(*cells, strict=True) if cells else ((),) * len(SCHEMA)
    arrays = [pa.array(values, form) for values, (_, form) in zip(columns, FIELDS, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except python_calamine.CalamineError as error:
        sys.exit(str(error))  # what is wrong with the file, without the name of a Python class before it
