"""How many pairs chance alone would give, and which column would make the matches mean more.

Sums near the target are as likely as the target itself unless the file means something. So the pairs whose sums lie
within a window around the target, divided by the sums possible in it, tell what to expect at the target.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from core.workbook.header import Header
from tasks.two_sum.entries import Entries, Question, is_int64
from tasks.two_sum.keys import plain
from tasks.two_sum.matching import Matcher

WINDOW = 500  # possible sums on either side of the target
SAMPLE = 20_000
PAIRS_SAMPLED = 20_000
FEW_VALUES = 8  # rows a column must fill in the head before it can be advised
HIGH = 1.0


def chance_pairs(
    question: Question, first: Entries, second: Entries | None = None, sample: int = SAMPLE
) -> float | None:
    """Pairs to be expected without any meaning; None where the amounts are beyond 64 bits."""
    others = first if second is None else second
    if not (is_int64(first.values) and is_int64(others.values)) or abs(question.target) > 1 << 60:
        return None
    if len(first) < 2 or not len(others):  # noqa: PLR2004 - a pair
        return 0.0
    chosen = np.random.default_rng(1)
    some, factor = _sampled(first, sample, chosen)
    other, other_factor = (None, factor) if second is None else _sampled(second, sample, chosen)
    values = some.values if other is None else np.concatenate([some.values, other.values])
    step = int(np.gcd.reduce(np.abs(values))) or 1
    allowed = _allowed(question, some)
    window = allowed + WINDOW * step
    plain_question = replace(question, share=None, max_days=None, date_order="any")
    near = Matcher(replace(plain_question, tolerance=window), some, other).count()
    hits = Matcher(replace(plain_question, tolerance=allowed), some, other).count()
    possible_hits = 2 * (allowed // step) + 1 if question.target % step == 0 else 2 * allowed // step
    return (near - hits) / (2 * WINDOW) * possible_hits * factor * other_factor * _dated(question, some, other, chosen)


def _sampled(entries: Entries, most: int, chosen: np.random.Generator) -> tuple[Entries, float]:
    if len(entries) <= most:
        return entries, 1.0
    return entries.take(np.sort(chosen.choice(len(entries), most, replace=False))), len(entries) / most


def _allowed(question: Question, entries: Entries) -> int:
    if question.share is None:
        return question.tolerance
    part, whole = question.share
    base = abs(question.target) or int(np.median(np.abs(entries.values)))
    return base * part // whole


def _dated(question: Question, first: Entries, second: Entries | None, chosen: np.random.Generator) -> float:
    """The share of random pairs whose dates are near enough."""
    others = first if second is None else second
    if question.max_days is None or first.days is None or others.days is None:
        return 1.0
    left = first.days[chosen.integers(0, len(first), PAIRS_SAMPLED)]
    right = others.days[chosen.integers(0, len(others), PAIRS_SAMPLED)]
    near = float(np.mean(np.abs(left - right) <= question.max_days))
    return near if question.date_order == "any" else near / 2


def advice(chance: float | None, found: Header, used: Collection[int]) -> str | None:
    """The column that would cut chance most, of those whose values repeat."""
    if chance is None or chance < HIGH:
        return None
    best: tuple[float, str] | None = None
    rows = [row for number, row in found.head.rows.items() if number > found.row]
    for column in found.columns:
        shown = [plain(row[column.index].value.shown()) for row in rows if column.index in row]
        counts = Counter(shown)
        if column.index in used or len(shown) < FEW_VALUES or not 1 < len(counts) < len(shown):
            continue
        agree = sum((count / len(shown)) ** 2 for count in counts.values())
        if best is None or agree < best[0]:
            best = agree, column.name or column.letter
    expected = f"about {chance:,.0f} pair{'' if round(chance) == 1 else 's'} would come about by chance alone"
    if best is None:
        return f"{expected}: a narrower date window or amount range would help"
    return f"{expected}; requiring the same {best[1]!r} (equal_by) would leave about {chance * best[0]:,.0f}"
