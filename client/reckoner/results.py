"""Results with names and types, for kinds that come with the platform: `job.result_as(TwoSumResult)`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class TwoSumResult:
    found: bool
    indices: tuple[int, ...] | None
    numbers: tuple[int | Decimal, ...] | None
    report: dict[str, Any] | None = None  # for files: rows, skipped cells, first pairs and what chance would give
