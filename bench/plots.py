"""Curves as a small SVG: both axes logarithmic, readable on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT = 720, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 170, 40, 48
_COLOURS = ("#3b82f6", "#d9651f", "#2f9960", "#a65cc9")  # told apart on white and on black
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #333 }
.grid { stroke: #8884; fill: none }
.one { stroke: #888; stroke-dasharray: 4 4 }
.curve { fill: none; stroke-width: 2.5 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } }
"""


def plot(title: str, axis: str, points: Sequence[float], curves: Mapping[str, Sequence[float]]) -> str:
    """What each curve is at each point as a multiple of what it was at the first."""
    ratios = {name: [figure / figures[0] for figure in figures] for name, figures in curves.items()}
    every = [ratio for line in ratios.values() for ratio in line]
    ticks = _ticks(min(every), max(every))
    place = _Place(points, ticks[0], ticks[-1])
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<text x="{_LEFT}" y="22">{escape(title)}</text>',
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(axis)}</text>',
        *(_across(tick, place.y(tick)) for tick in ticks),
        *(_mark(point, place.x(point)) for point in points),
        *_curves(points, ratios, place),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Place:
    """Where a point and a ratio are on the paper. A point 0 stands one power of ten before the next."""

    def __init__(self, points: Sequence[float], lowest: float, highest: float) -> None:
        self._zero = min(point for point in points if point) / 10
        self._from, self._to = self._log(points[0]), self._log(points[-1])
        self._lowest, self._highest = math.log(lowest), math.log(highest)

    def _log(self, point: float) -> float:
        return math.log(point or self._zero)

    def x(self, point: float) -> float:
        share = (self._log(point) - self._from) / (self._to - self._from or 1)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, ratio: float) -> float:
        share = (math.log(ratio) - self._lowest) / (self._highest - self._lowest)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _ticks(lowest: float, highest: float) -> list[float]:
    """Steps of 1, 2, 5 around all ratios, and around 1 by at least a half and a double."""
    steps = [round(step * 10.0**power, 6) for power in range(-6, 7) for step in (1, 2, 5)]
    first = max(step for step in steps if step <= min(lowest, 0.5))
    last = min(step for step in steps if step >= max(highest, 2))
    return [step for step in steps if first <= step <= last]


def _across(tick: float, y: float) -> str:
    kind = "grid one" if tick == 1 else "grid"
    line = f'<path class="{kind}" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>'
    return f'{line}<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}x</text>'


def _mark(point: float, x: float) -> str:
    y = _HEIGHT - _BOTTOM
    line = f'<path class="grid" d="M{x:.1f} {_TOP}V{y}"/>'
    return f'{line}<text x="{x:.1f}" y="{y + 18}" text-anchor="middle">{short(point)}</text>'


def _curves(points: Sequence[float], ratios: dict[str, list[float]], place: _Place) -> list[str]:
    """Each with its name at its end, moved down where two would stand on each other."""
    parts, lowest = [], -math.inf
    for colour, (name, line) in sorted(zip(_COLOURS, ratios.items(), strict=False), key=lambda each: -each[1][1][-1]):
        path = " ".join(f"{place.x(point):.1f},{place.y(ratio):.1f}" for point, ratio in zip(points, line, strict=True))
        lowest = max(place.y(line[-1]) + 4, lowest + 16)
        parts.append(f'<polyline class="curve" stroke="{colour}" points="{path}"/>')
        label = f'<text x="{_WIDTH - _RIGHT + 8}" y="{lowest:.1f}" style="fill: {colour}">{escape(name)}</text>'
        parts.append(label)
    return parts


def short(point: float) -> str:
    """10,000 as 10k."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if point >= size:
            return f"{point / size:g}{letter}"
    return f"{point:g}"
