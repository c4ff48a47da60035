"""The second question on a known file, in milliseconds: `python -m bench.scan_runs.second FILE COLUMN`.

Ten of them, in a warm process whose cache holds the column, as a worker's does: from opening the cached file to the
answer.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from core.workbook.opening import open_now
from tasks.two_sum.answering import answer
from tasks.two_sum.column_cache import ColumnCache
from tasks.two_sum.contract import TwoSumParams
from tasks.two_sum.keys import KeyBook
from tasks.two_sum.ledger import read_ledger


def main(path: Path, column: str) -> None:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for target in range(1, 12):
            params = TwoSumParams(filepath=path.name, column=column, target=target)
            started = time.perf_counter()
            source = ColumnCache(Path(folder)).source("0" * 64, lambda: open_now(path))
            ledger = read_ledger(source, params, KeyBook())
            answer(params, [target], ledger)
            source.close()
            found.append((time.perf_counter() - started) * 1000)
    print(json.dumps(found[1:]))  # the first of them reads the workbook


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
