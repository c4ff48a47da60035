"""Answer a question about one ledger, or two: scale everything to whole numbers, match, count, and report."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np

from core.workbook.decimals import show
from core.workbook.source import Tick, no_tick
from tasks.two_sum import dates
from tasks.two_sum.contract import Against, Mode, TwoSumParams
from tasks.two_sum.entries import SAFE, Amounts, Entries, Integers, Question, as_amounts
from tasks.two_sum.ledger import Ledger
from tasks.two_sum.matching import Matcher, Watch, least_deviation, nobody
from tasks.two_sum.one_to_one import pairs_once

Target = int | Decimal


@dataclass(frozen=True)
class Side:
    """The entries that take part, and where they stand in their ledger."""

    entries: Entries
    places: Integers


@dataclass
class Outcome:
    """What was found, still in whole numbers of 10^-scale."""

    scale: int
    first: Side
    second: Side | None
    targets: list[int]
    left: Integers = field(default_factory=lambda: np.empty(0, np.int64))  # places in the first ledger
    right: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    which_target: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    deviations: Amounts = field(default_factory=lambda: np.empty(0, np.int64))
    by_target: list[int | None] = field(default_factory=list)
    partners: tuple[Integers, Integers] | None = None  # of each entry, over all targets

    @property
    def pairs(self) -> int | None:
        known = [count for count in self.by_target if count is not None]
        return sum(known) if len(known) == len(self.by_target) else None

    @property
    def listed(self) -> int:
        return len(self.left)


def scale_of(params: TwoSumParams, targets: list[Target], *ledgers: Ledger | None) -> int:
    """The decimals that every amount, target and bound fits into."""
    given = [*targets, params.tolerance, params.min_amount, params.max_amount]
    finest = [-int(exact.as_tuple().exponent) for exact in map(Decimal, (each for each in given if each is not None))]
    return max(0, *finest, *(ledger.scale for ledger in ledgers if ledger is not None))


def in_units(value: Target, scale: int) -> int:
    """The value as a whole number of 10^-scale, a scale that fits it."""
    sign, digits, exponent = Decimal(value).as_tuple()
    mantissa = int("".join(map(str, digits)) or "0") * (-1 if sign else 1)
    units: int = mantissa * 10 ** (int(exponent) + scale)
    return units


def shown(value: int, scale: int) -> Target:
    """Back from units: an int where it is whole, else an exact decimal."""
    unit: int = 10**scale
    return value // unit if value % unit == 0 else Decimal(show(value, -scale))


def side_of(ledger: Ledger, params: TwoSumParams, scale: int, *, negated: bool = False) -> Side:
    """The entries within the asked range of amounts and dates."""
    values = ledger.values(scale)
    keep = np.ones(len(values), np.bool_)
    if params.min_amount is not None:
        keep &= np.asarray(values >= _bounded(in_units(params.min_amount, scale), values), np.bool_)
    if params.max_amount is not None:
        keep &= np.asarray(values <= _bounded(in_units(params.max_amount, scale), values), np.bool_)
    days = ledger.days()
    if days is not None and params.date_from is not None:
        keep &= days >= dates.serial(params.date_from)
    if days is not None and params.date_to is not None:
        keep &= days <= dates.serial(params.date_to)
    entries = Entries(-values if negated else values, ledger.groups(), days)
    if keep.all():
        return Side(entries, np.arange(len(values)))
    places = np.flatnonzero(keep)
    return Side(entries.take(places), places)


def _bounded(limit: int, values: Amounts) -> int:
    """A limit beyond 64 bits means the same as one at their edge."""
    return limit if values.dtype == np.object_ else max(-SAFE, min(SAFE, limit))


def question_of(params: TwoSumParams, target: int, scale: int) -> Question:
    share = None
    if params.tolerance_percent is not None:
        numerator, denominator = Decimal(params.tolerance_percent).as_integer_ratio()
        share = (numerator, denominator * 100)
    return Question(target, in_units(params.tolerance, scale), share, params.max_days, params.date_order)


def answer(
    params: TwoSumParams,
    targets: list[Target],
    ledger: Ledger,
    against: Ledger | None = None,
    watch: Watch = nobody,
    *,
    asked: Tick = no_tick,
) -> Outcome:
    """Ask for each target in turn. One-to-one, an entry that one target used is gone for the next.

    `watch` is called often and may raise to stop; `asked` is told how many targets are done, of how many.
    """
    scale = scale_of(params, targets, ledger, against)
    negated = isinstance(params.against, Against) and params.against.operation == "difference"
    first = side_of(ledger, params, scale)
    second = None if against is None else side_of(against, params, scale, negated=negated)
    outcome = Outcome(scale, first, second, [in_units(target, scale) for target in targets])
    _Asking(params, outcome, watch).run(asked)
    return outcome


class _Asking:
    """The run over all targets, collecting pairs until the cap is reached and counting beyond it."""

    def __init__(self, params: TwoSumParams, outcome: Outcome, watch: Watch) -> None:
        self._params, self._outcome, self._watch = params, outcome, watch
        self._first = outcome.first.entries
        self._second = None if outcome.second is None else outcome.second.entries
        self._left: list[Integers] = []
        self._right: list[Integers] = []
        self._which: list[Integers] = []
        self._room = params.max_pairs
        self._free = np.ones(len(self._first), np.bool_)
        self._free_second = self._free if self._second is None else np.ones(len(self._second), np.bool_)

    def run(self, asked: Tick) -> None:
        for number, target in enumerate(self._outcome.targets):
            asked(number, len(self._outcome.targets))
            self._watch()
            question = question_of(self._params, target, self._outcome.scale)
            self._outcome.by_target.append(self._ask(number, question))
        self._finish()

    def _ask(self, number: int, question: Question) -> int | None:
        mode = self._params.mode
        if mode is Mode.BEST:
            nearest = least_deviation(question, self._first, self._second, self._watch)
            if nearest is None:
                return 0
            question = replace(question, tolerance=nearest)
        if mode is Mode.FIRST and self._params.one_to_one:
            return self._ask_first_once(number, question)
        if mode in {Mode.BEST, Mode.FIRST}:
            pair = Matcher(question, self._first, self._second, self._watch).first()
            if pair is not None:
                self._keep(number, np.array(pair[:1]), np.array(pair[1:]))
            return None if pair is not None and mode is Mode.FIRST else int(pair is not None)
        return self._ask_once(number, question) if self._params.one_to_one else self._ask_all(number, question)

    def _ask_all(self, number: int, question: Question) -> int:
        matcher = Matcher(question, self._first, self._second, self._watch)
        self._add_partners(*matcher.partners())
        if self._params.mode is Mode.ALL and self._room:
            for left, right in matcher.pairs():
                self._keep(number, left, right)
                if not self._room:
                    break
        return matcher.count()

    def _ask_first_once(self, number: int, question: Question) -> int | None:
        first, second, places, others = self._still_free()
        pair = Matcher(question, first, second, self._watch).first()
        if pair is None:
            return 0
        self._use(number, places[np.array(pair[:1])], others[np.array(pair[1:])])
        return None

    def _still_free(self) -> tuple[Entries, Entries | None, Integers, Integers]:
        """What no target has used yet, and the places of both."""
        places = np.flatnonzero(self._free)
        if self._second is None:
            return self._first.take(places), None, places, places
        others = np.flatnonzero(self._free_second)
        return self._first.take(places), self._second.take(others), places, others

    def _use(self, number: int, left: Integers, right: Integers) -> None:
        self._free[left] = False
        self._free_second[right] = False
        if self._params.mode is not Mode.COUNT:
            self._keep(number, left, right)

    def _ask_once(self, number: int, question: Question) -> int:
        first, second, places, others = self._still_free()
        pairs = np.array(list(pairs_once(question, first, second, self._watch)), np.int64).reshape(-1, 2)
        self._use(number, places[pairs[:, 0]], others[pairs[:, 1]])
        self._add_partners(*Matcher(question, self._first, self._second, self._watch).partners())
        return len(pairs)

    def _add_partners(self, first: Integers, second: Integers) -> None:
        known = self._outcome.partners
        self._outcome.partners = (first, second) if known is None else (known[0] + first, known[1] + second)

    def _keep(self, number: int, left: Integers, right: Integers) -> None:
        left, right = left[: self._room], right[: self._room]
        self._room -= len(left)
        self._left.append(left)
        self._right.append(right)
        self._which.append(np.full(len(left), number, np.int64))

    def _finish(self) -> None:
        outcome = self._outcome
        if not self._left:
            return
        left, right = np.concatenate(self._left), np.concatenate(self._right)
        outcome.which_target = np.concatenate(self._which)
        others = self._first if self._second is None else self._second
        aims = as_amounts(outcome.targets)[outcome.which_target]
        outcome.deviations = self._first.values[left] + others.values[right] - aims
        outcome.left = outcome.first.places[left]
        outcome.right = (outcome.first if outcome.second is None else outcome.second).places[right]
