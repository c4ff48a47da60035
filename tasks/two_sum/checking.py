"""Look at a question's files before there is a job: wrong sheets and columns are refused with the nearest names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.input_files import FileFinder, InputFile
from core.workbook.opening import open_now
from tasks.two_sum.column_cache import CachedSource, ColumnCache
from tasks.two_sum.contract import Table, TwoSumParams, tables_of
from tasks.two_sum.ledger import sheets_of


def check(params: TwoSumParams, inputs: FileFinder) -> None:
    """Raise what the job would raise on its first look at the files."""
    for table in tables_of(params):
        with source_of(table, inputs) as (_, source):
            sheets_of(source, table)


@contextmanager
def source_of(table: Table, inputs: FileFinder) -> Iterator[tuple[InputFile, CachedSource]]:
    """The table's file, through the cache of parsed columns."""
    found = inputs.find(file=table.file, filepath=table.filepath)
    with inputs.local(found) as path:
        cache = ColumnCache(inputs.cache_folder)
        source = cache.source(found.sha256, lambda: open_now(path, name=found.name, keep_thousands=True))
        try:
            yield found, source
        finally:
            source.close()
