"""Arrow, typed by name only: its stubs ask for each column's own type, which a file decides when it is read."""

from __future__ import annotations

from typing import Any, TypeAlias

import pyarrow as arrow  # noqa: ICN001 - `pa` is the name without types
from pyarrow import compute, csv, parquet

Array: TypeAlias = Any
DictionaryArray: TypeAlias = Any
RecordBatch: TypeAlias = Any
Table: TypeAlias = Any
InvalidRow: TypeAlias = Any

pa: Any = arrow
pc: Any = compute
pq: Any = parquet
pa_csv: Any = csv


def give_back() -> None:
    """Arrow keeps freed memory for its next arrays; after a long stage others can use it better."""
    pa.default_memory_pool().release_unused()
