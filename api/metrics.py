"""Prometheus figures: of this node's HTTP from its processes, of jobs and queues from what all nodes share."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.multiprocess import MultiProcessCollector
from redis.exceptions import RedisError

from api.platform import Platform
from core.circuit_breaker import BreakerView
from core.external_api import external_breaker
from tasks import tally
from workers.housekeeping.survey import KEY as SURVEY_KEY

CONTENT_TYPE = CONTENT_TYPE_LATEST
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
HTTP = Histogram(
    "reckoner_http_seconds", "Time inside the API by route.", ["method", "route", "status"], buckets=_BOUNDS
)
_COUNTERS = {
    "finished": ("reckoner_jobs_finished", "Jobs that ended, by kind and outcome.", ["kind", "outcome"]),
    "retried": ("reckoner_jobs_retried", "Attempts that failed and are tried again.", ["kind"]),
    "rescued": ("reckoner_jobs_rescued", "Jobs taken back from workers that died.", ["kind"]),
    "poison": ("reckoner_jobs_poison", "Jobs given up because their process died each time.", ["kind"]),
}
_HISTOGRAMS = {
    "wait": ("reckoner_job_wait_seconds", "From queued to started."),
    "run": ("reckoner_job_run_seconds", "From started to finished."),
}


def render(platform: Platform) -> bytes:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types here
    registry.register(_Shared(platform))
    return generate_latest(registry)


class _Shared:
    """What every node reports alike, because it is one platform's: read it from one node only."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("reckoner_redis_up", "1 while Redis answers.")
        try:
            fields = cast("dict[bytes, bytes]", self._platform.redis.hgetall(tally.KEY))
            seen = cast("bytes | None", self._platform.redis.get(SURVEY_KEY))
        except RedisError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        counts = {tuple(field.decode().split("|")): int(value) for field, value in fields.items()}
        yield from _counters(counts)
        yield from _histograms(counts)
        yield _breakers(external_breaker(self._platform.redis).view())
        if seen:
            yield from _queues(json.loads(seen))


def _breakers(*views: BreakerView) -> Metric:
    """0 closed, 1 half open, 2 open: alarms compare numbers."""
    family = GaugeMetricFamily("reckoner_breaker_state", "0 closed, 1 half open, 2 open.", labels=["breaker"])
    for view in views:
        family.add_metric([view.name], ("closed", "half_open", "open").index(view.state))
    return family


def _counters(counts: dict[tuple[str, ...], int]) -> Iterator[Metric]:
    for name, (metric, text, labels) in _COUNTERS.items():
        family = CounterMetricFamily(metric, text, labels=labels)
        for field, value in counts.items():
            if field[0] == name:
                family.add_metric(list(field[1:]), value)
        yield family


def _histograms(counts: dict[tuple[str, ...], int]) -> Iterator[Metric]:
    for name, (metric, text) in _HISTOGRAMS.items():
        family = HistogramMetricFamily(metric, text, labels=["kind"])
        buckets: dict[str, dict[int, int]] = defaultdict(dict)
        for field, value in counts.items():
            if field[0] == name:
                buckets[field[1]][int(field[2])] = value
        for kind, filled in buckets.items():
            running = 0
            rows: list[tuple[str, float]] = []
            for place, bound in enumerate([*map(str, tally.BUCKETS), "+Inf"]):
                running += filled.get(place, 0)
                rows.append((bound, running))
            family.add_metric([kind], rows, counts.get((f"{name}_us", kind), 0) / 1_000_000)
        yield family


def _queues(seen: dict[str, Any]) -> Iterator[Metric]:
    figures = {
        "depth": GaugeMetricFamily("reckoner_queue_depth", "Jobs waiting.", labels=["queue"]),
        "oldest_age_seconds": GaugeMetricFamily(
            "reckoner_queue_oldest_age_seconds", "Age of the job that waits longest.", labels=["queue"]
        ),
        "workers": GaugeMetricFamily("reckoner_queue_workers", "Live workers.", labels=["queue"]),
        "paused": GaugeMetricFamily("reckoner_queue_paused", "1 while paused.", labels=["queue"]),
    }
    for queue in seen["queues"]:
        for name, family in figures.items():
            family.add_metric([queue["queue"]], float(queue[name] or 0))
    yield from figures.values()
    jobs = GaugeMetricFamily("reckoner_jobs", "Jobs that have not ended, by status.", labels=["status"])
    for status, count in seen["jobs"].items():
        jobs.add_metric([status], count)
    yield jobs


def register(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def observe(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "unknown"
        labels = (request.method, route, str(response.status_code))
        HTTP.labels(*labels).observe(time.perf_counter() - g.began)
        return response
