"""How cost grows: with jobs in the table, with the payload, with clients and with the depth of a queue."""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.ground import JOBS, NOOP, Ground, Make
from bench.load import get, post
from bench.pages import picture
from bench.plots import plot, short
from bench.stage import Stage
from bench.table import markdown


@dataclass(frozen=True)
class Axis:
    """One thing that grows, and what was measured at each of its points; the larger a figure, the better."""

    name: str
    what: str
    points: Sequence[int]
    figures: Sequence[dict[str, float]]

    @property
    def curves(self) -> dict[str, list[float]]:
        return {name: [figures[name] for figures in self.figures] for name in self.figures[0]}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench growth", description=__doc__)
    parser.add_argument("--axes", nargs="+", choices=_AXES, default=list(_AXES))
    parser.add_argument("--jobs", nargs="+", type=int, default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--payload", nargs="+", type=int, default=[100, 1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 4, 16, 64])
    parser.add_argument("--depth", nargs="+", type=int, default=[0, 1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3, help="bursts for each figure")
    parser.add_argument("--seconds", type=float, default=1.0, help="per burst")
    parser.add_argument("--pickups", type=int, default=40, help="jobs sent one by one at each depth")
    options = parser.parse_args(arguments)
    with Stage() as stage, Ground(stage, options.rounds, options.seconds) as ground:
        ground.rates({"submit": _submit(NOOP), "poll": _poll(ground.ended), "list": _list})  # warms up
        for name, measure in _AXES.items():
            if name in options.axes:
                _show(measure(ground, getattr(options, name), options.pickups))
    print(f"Multiples of the first row, and a second: medians of {options.rounds} bursts of {options.seconds:g} s from")
    print("16 clients, unless said otherwise, to two API processes. Pick-up is one job over its median wait.")
    return 0


def _by_clients(ground: Ground, clients: Sequence[int], _: int) -> Axis:
    asked = {"submit": _submit(NOOP), "poll": _poll(ground.ended)}
    return Axis("clients", "clients at once", clients, [ground.rates(asked, clients=count) for count in clients])


def _by_payload(ground: Ground, sizes: Sequence[int], _: int) -> Axis:
    figures = []
    for size in sizes:
        body = json.dumps({"kind": "carry", "params": {"text": "x" * size}}).encode()
        job = ground.submit(body=body)
        ground.put_aside(job)
        figures.append(ground.rates({"submit": _submit(body), "poll": _poll(job)}))
    return Axis("payload", "bytes of params", sizes, figures)


def _by_depth(ground: Ground, depths: Sequence[int], pickups: int) -> Axis:
    asked = {"submit": _submit(NOOP), "poll one that waits": _poll(ground.waiting), "list": _list}
    figures = []
    for depth in depths:
        ground.fill(ground.waiting, depth)
        figures.append({**ground.rates(asked), "pick-up": 1 / median(ground.pickups(pickups))})
    ground.forget_waiting()
    return Axis("depth", "jobs that wait in another queue", depths, figures)


def _by_jobs(ground: Ground, counts: Sequence[int], _: int) -> Axis:
    figures = []
    for count in counts:
        ground.fill(ground.ended, count)
        asked = {"submit": _submit(NOOP), "poll": _poll(ground.ended), "list": _list}
        figures.append(ground.rates({**asked, "timeline of an old one": _timelines(ground.some_ended())}))
    return Axis("jobs", "jobs in the table", counts, figures)


# The one that fills the table is the last.
_AXES = {"clients": _by_clients, "payload": _by_payload, "depth": _by_depth, "jobs": _by_jobs}


def _submit(body: bytes) -> Make:
    return lambda: post(JOBS, body)


def _poll(job: str) -> Make:
    return lambda: get(f"{JOBS}/{job}")


def _timelines(jobs: list[str]) -> Make:
    """Read from Postgres whatever was asked before, which a poll is not."""
    turn = itertools.cycle(jobs)
    return lambda: get(f"{JOBS}/{next(turn)}/events")


def _list() -> bytes:
    return get(f"{JOBS}?limit=50")


def _show(axis: Axis) -> None:
    first, last, curves = axis.points[0], axis.points[-1], axis.curves
    rows = [
        [f"{point:,}", *(f"{of[place] / of[0]:.2f}x ({of[place]:,.0f})" for of in curves.values())]
        for place, point in enumerate(axis.points)
    ]
    print(markdown([axis.what, *curves], rows))
    title = f"Rates by {axis.what}, as multiples of those at {short(first)}"
    ends = ", ".join(f"{name} {of[-1] / of[0]:.2f}x" for name, of in curves.items())
    drawn = plot(title, axis.what, axis.points, curves)
    print(f"\n{picture(f'growth-{axis.name}.svg', drawn, f'{title}. At {short(last)}: {ends}.')}\n")
