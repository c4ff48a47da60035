"""One whole run of ours: `python -m bench.scan_runs.ours FILE COLUMN TARGET` reads a column and finds the pair."""

import sys
from decimal import Decimal
from pathlib import Path

import numpy as np

from core.workbook import header
from core.workbook.xlsx import XlsxSource
from tasks.two_sum.entries import Entries, Question
from tasks.two_sum.matching import Matcher


def main(path: str, column: str, target: str) -> None:
    source = XlsxSource(Path(path))
    blocks = []
    for sheet in source.sheets:
        found = header.holding(source.head(sheet), column)
        index = found.find(column).index
        blocks.append(source.columns(sheet, {index: False}, found.first_data_row)[index])
    source.close()
    scale = max(-int(block.exponents.min()) for block in blocks)
    powers = np.array([10**n for n in range(19)], np.int64)
    values = np.concatenate([block.mantissas * powers[block.exponents.astype(np.int64) + scale] for block in blocks])
    pair = Matcher(Question(int(Decimal(target).scaleb(scale))), Entries(values)).first()
    print(len(values), pair)


if __name__ == "__main__":
    main(*sys.argv[1:])
