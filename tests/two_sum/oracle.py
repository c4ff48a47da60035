"""What adds up, said slowly and obviously: every two entries are looked at, with exact fractions."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Entry:
    value: int
    group: int = 0
    day: int = 0


@dataclass(frozen=True)
class Rule:
    target: int
    tolerance: int = 0
    percent: Fraction | None = None
    max_days: int | None = None
    date_order: str = "any"

    def allows(self, one: Entry, other: Entry) -> bool:
        """`one` comes first: earlier in the list, or from the first of two lists."""
        gap = other.day - one.day
        if one.group != other.group:
            return False
        if self.max_days is not None:
            if abs(gap) > self.max_days:
                return False
            if self.date_order == "forward" and gap < 0:
                return False
            if self.date_order == "backward" and gap > 0:
                return False
        allowed = Fraction(self.tolerance)
        if self.percent is not None:
            base = abs(self.target) if self.target else max(abs(one.value), abs(other.value))
            allowed = self.percent / 100 * base
        return abs(one.value + other.value - self.target) <= allowed


def every_pair(rule: Rule, first: list[Entry], second: list[Entry] | None) -> list[tuple[int, int]]:
    if second is None:
        return [(i, j) for j in range(len(first)) for i in range(j) if rule.allows(first[i], first[j])]
    return [(i, j) for i in range(len(first)) for j in range(len(second)) if rule.allows(first[i], second[j])]


def first_pair(rule: Rule, first: list[Entry], second: list[Entry] | None) -> tuple[int, int] | None:
    pairs = every_pair(rule, first, second)
    if not pairs:
        return None
    if second is None:
        completed = min(j for _, j in pairs)
        return max(i for i, j in pairs if j == completed), completed
    return min(pairs)


def pairs_once(rule: Rule, first: list[Entry], second: list[Entry] | None) -> list[tuple[int, int]]:
    pairs, used_left, used_right = set(every_pair(rule, first, second)), set(), set()
    taken = []

    def rank(i: int, j: int):
        one, other = first[i], (first if second is None else second)[j]
        gap = abs(other.day - one.day) if rule.max_days is not None else 0
        return abs(one.value + other.value - rule.target), gap, -i if second is None else j

    for asking in range(len(first)):
        if second is None:
            if asking in used_left:
                continue
            free = [(i, asking) for i in range(asking) if i not in used_left and (i, asking) in pairs]
        else:
            free = [(asking, j) for j in range(len(second)) if j not in used_right and (asking, j) in pairs]
        if free:
            i, j = min(free, key=lambda pair: rank(*pair))
            taken.append((i, j))
            used_left |= {i, j} if second is None else {i}
            used_right.add(j)
    return taken


def least_deviation(rule: Rule, first: list[Entry], second: list[Entry] | None) -> int | None:
    loose = Rule(rule.target, 10**40, None, rule.max_days, rule.date_order)
    others = first if second is None else second
    return min(
        (abs(first[i].value + others[j].value - rule.target) for i, j in every_pair(loose, first, second)), default=None
    )
