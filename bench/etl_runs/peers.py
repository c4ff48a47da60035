"""What others do with the same rows: `python -m bench.etl_runs.peers NAME PATH URL ROWS`."""

from __future__ import annotations

import csv
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
from sqlalchemy import Column, MetaData, Table, Text, create_engine, insert

COLUMNS = ("id", "name", "company_id", "amount", "status", "created_at", "paid_at")
_AT_ONCE = 10_000


def copy(path: Path, url: str, _rows: int, *, key: str = "") -> None:
    """COPY into a table of texts: the limit. The table is there before, as a table usually is."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor, path.open("rb") as source:
        cursor.execute("DROP TABLE IF EXISTS peer_raw")
        cursor.execute(f"CREATE TABLE peer_raw ({', '.join(f'{name} text' for name in COLUMNS)})")
        cursor.copy_expert("COPY peer_raw FROM STDIN (FORMAT csv, HEADER)", source, size=1 << 20)
        if key:
            cursor.execute(key)
    connection.close()


def copy_then_index(path: Path, url: str, rows: int) -> None:
    copy(path, url, rows, key="CREATE INDEX ON peer_raw (id)")


def pandas_to_sql(path: Path, url: str, rows: int) -> None:
    import pandas as pd  # noqa: PLC0415 - each peer pays for its own imports

    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg2:"))
    for frame in pd.read_csv(path, dtype=str, keep_default_na=False, chunksize=100_000, nrows=rows):
        frame.to_sql("peer_pandas", engine, if_exists="append", index=False)
    engine.dispose()


def sqlalchemy_insert(path: Path, url: str, rows: int) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg2:"))
    table = Table("peer_sqlalchemy", MetaData(), *(Column(name, Text) for name in COLUMNS))
    table.create(engine, checkfirst=True)
    with engine.begin() as connection:
        for part in _parts(path, rows):
            connection.execute(insert(table), part)
    engine.dispose()


def polars_write_database(path: Path, url: str, rows: int) -> None:
    import polars as pl  # noqa: PLC0415

    frame = pl.read_csv(path, infer_schema=False, n_rows=rows)
    frame.write_database("peer_polars", url.replace("postgresql:", "postgresql+psycopg2:"), if_table_exists="append")


def _parts(path: Path, rows: int) -> Iterator[list[dict[str, str]]]:
    with path.open(encoding="utf-8") as source:
        part: list[dict[str, str]] = []
        for record in itertools.islice(csv.DictReader(source), rows):
            part.append(record)
            if len(part) == _AT_ONCE:
                yield part
                part = []
        if part:
            yield part


PEERS: dict[str, Callable[[Path, str, int], None]] = {
    "copy": copy,
    "copy_then_index": copy_then_index,
    "pandas_to_sql": pandas_to_sql,
    "sqlalchemy_insert": sqlalchemy_insert,
    "polars_write_database": polars_write_database,
}

if __name__ == "__main__":
    PEERS[sys.argv[1]](Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
