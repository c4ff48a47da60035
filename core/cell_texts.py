"""Texts as a cell of a workbook can hold them; what is too long is cut where everybody sees it."""

from __future__ import annotations

import re

MOST = 32_767  # UTF-16 units, as the programs that open workbooks count
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def fitting(text: str) -> str:
    """The text, or as much of it as a cell holds with a mark that says how long it was."""
    text = _NOT_IN_XML.sub("\ufffd", text)
    if 2 * len(text) <= MOST or _units(text) <= MOST:
        return text
    mark = f" [cut: {len(text):,} characters do not fit into a cell]"
    room = 2 * (MOST - len(mark))
    return text.encode("utf-16-le")[:room].decode("utf-16-le", "ignore") + mark


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
