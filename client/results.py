"""Results with names and types, for kinds that come with the platform: `job.result_as(TwoSumResult)`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class TwoSumResult:
    found: bool
    indices: tuple[int, ...] | None
    numbers: tuple[int | Decimal, ...] | None
