"""The kinds this platform knows: one line each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from importlib import import_module

from core.errors import InvalidInputError
from tasks.contract import JobKind
from tasks.etl.contract import ETL, ETL_EXTRACT, ETL_LOAD, ETL_PUBLISH, ETL_TRANSFORM
from tasks.gap_scan.contract import GAP_SCAN
from tasks.orders_import.contract import ORDERS_IMPORT
from tasks.sync.contract import SYNC
from tasks.table_export.contract import TABLE_EXPORT
from tasks.two_sum.contract import TWO_SUM

KINDS: tuple[JobKind, ...] = (
    ETL,
    ETL_EXTRACT,
    ETL_LOAD,
    ETL_PUBLISH,
    ETL_TRANSFORM,
    GAP_SCAN,
    ORDERS_IMPORT,
    SYNC,
    TABLE_EXPORT,
    TWO_SUM,
)


class Registry:
    """Kinds by name."""

    def __init__(self, kinds: Iterable[JobKind]) -> None:
        self._kinds: dict[str, JobKind] = {}
        for kind in kinds:
            if kind.name in self._kinds:
                raise ValueError(f"two kinds are called {kind.name!r}")
            self._kinds[kind.name] = kind

    def __iter__(self) -> Iterator[JobKind]:
        return iter(self._kinds.values())

    def __getitem__(self, name: str) -> JobKind:
        kind = self._kinds.get(name)
        if kind is None:
            known = ", ".join(sorted(self._kinds))
            near = difflib.get_close_matches(name, self._kinds, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InvalidInputError(f"no job kind {name!r}; known kinds: {known}{hint}", kind=name)
        return kind

    def get(self, name: str) -> JobKind | None:
        return self._kinds.get(name)

    def import_bodies(self) -> None:
        """Import every task body: for workers; the API never needs them."""
        for kind in self:
            import_module(kind.body)


def make_registry(extra_modules: Iterable[str] = ()) -> Registry:
    """Our kinds, and the KIND of each further module named in the settings."""
    return Registry([*KINDS, *(import_module(name).KIND for name in extra_modules)])
