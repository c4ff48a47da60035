"""Arrays in Postgres' own text form: one literal, where `ARRAY[...]` is parsed element by element."""

from __future__ import annotations

from collections.abc import Sequence


def array_of(texts: Sequence[str]) -> str:
    """What `CAST('...' AS text[])` reads; every element is quoted, so that none is taken for NULL."""
    if not texts:
        return "{}"
    # Joined by the one character that no text in Postgres has, all are quoted in one go.
    joined = "\0".join(texts)
    if joined.count("\0") >= len(texts):
        raise ValueError("a text must not hold the character U+0000")
    quoted = joined.replace("\\", "\\\\").replace('"', '\\"').replace("\0", '","')
    return f'{{"{quoted}"}}'
