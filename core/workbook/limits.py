"""How much a workbook may ask of us: every limit that hostile or broken files meet, in one place."""

from __future__ import annotations

from core.light_types import NamedTuple


class Limits(NamedTuple):
    """The defaults let an honest 500 MB sheet through and stop each known bomb early."""

    max_parts: int = 10_000  # a workbook has tens; a million tiny ones cost memory before the first is read
    max_directory_bytes: int = 4 << 20
    max_part_bytes: int = 4 << 30  # one part, inflated
    # Ledgers inflate 5 to 15 times, sheets of empty styled cells up to 60; deflate itself can reach 1032.
    max_ratio: int = 150
    ratio_matters_after_bytes: int = 16 << 20
    max_token_bytes: int = 1 << 20  # a cell holds 32,767 characters; nothing honest goes this far without a tag
    max_columns: int = 16_384  # of a sheet; a text file of more is no table
    max_head_cells: int = 100_000  # looked at before anybody asks: heads of wide or empty sheets have fewer rows
    max_small_part_bytes: int = 32 << 20  # workbook.xml, styles.xml and relations
    max_text_bytes: int = 512 << 20  # texts kept because a question needs their column


DEFAULT = Limits()
