"""Rows of figures with their spread, and each as a ratio to its peer."""

from __future__ import annotations

from statistics import median


def spread(figures: list[float]) -> str:
    return f"{median(figures):,.0f} ({min(figures):,.0f} to {max(figures):,.0f})"


def ratio(ours: list[float], theirs: list[float]) -> str:
    """Round by round, so that a machine whose speed drifts does not decide."""
    pairs = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return f"{median(pairs):.2f}x ({min(pairs):.2f} to {max(pairs):.2f})"


def markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
