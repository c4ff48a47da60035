"""One run over an array: `python -m bench.scan_runs.arrays SIZE` prints milliseconds of first, count and all pairs,
and of one pass over the numbers, which is as fast as memory gives them to one core.

Random numbers up to 10^15, of which hardly more than the last two fit the target.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tasks.two_sum.entries import Entries, Question
from tasks.two_sum.matching import Matcher

QUESTIONS: dict[str, Callable[[Matcher], object]] = {
    "first": Matcher.first,
    "count": Matcher.count,
    "all": lambda matcher: sum(len(left) for left, _ in matcher.pairs()),
}


def resident_mb() -> float:
    facts = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(facts["VmRSS"].split()[0]) / 1024


def main(size: int) -> None:
    values = np.random.default_rng(size).integers(1, 10**15, size)
    question, entries = Question(int(values[-1] + values[-2])), Entries(values)
    found: dict[str, float] = {"array_mb": resident_mb()}
    started = time.perf_counter()
    values.sum()
    found["pass"] = (time.perf_counter() - started) * 1000
    for name, ask in QUESTIONS.items():
        started = time.perf_counter()
        ask(Matcher(question, entries))
        found[name] = (time.perf_counter() - started) * 1000
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]))
