"""One scenario from its first job to its verdict."""

import random
import time
from datetime import timedelta
from http import HTTPStatus

from tests.chaos import ledger
from tests.chaos.load import Load, orders
from tests.chaos.scenarios import SCENARIOS, Scene
from tests.chaos.stage import GROUPS, SLOTS
from tests.chaos.verdict import Verdict
from tests.running import eventually

_PATIENCE = 90  # seconds after which what has not ended is called stuck


def play(stage, name, *, seed, size):
    """Send jobs, disturb, wait until all is quiet, judge."""
    scenario, rng, run = SCENARIOS[name], random.Random(f"{seed} {name}"), f"{name}-{seed}"
    verdict = Verdict(name, memory_before=stage.memory_mb())
    seconds = size.lease + size.outage / 2
    ledger.write(stage.home / "data", run, size.rows)
    wanted = orders(run, size.jobs, rng, long_seconds=seconds, saving=bool(scenario.fails_with))
    began = stage.now() + timedelta(seconds=1)
    load = Load(stage.nodes, run, wanted, per_second=size.per_second, seed=seed).start()
    time.sleep(size.jobs / size.per_second * rng.uniform(0.2, 0.4))
    scene = Scene(stage, rng, size, run)
    try:
        since = scenario.disturb(scene)
    except AssertionError as error:
        verdict.wrong.append(f"the disturbance failed: {error}")
        since = stage.now()
    load.finish()
    ended = stage.now()
    _wait_for_the_end(stage, run)
    verdict.judge(stage, scenario, wanted, run=run, began=began, ended=ended)
    verdict.wrong += ledger.wrong(stage, run, size.rows, may_be_missing=bool(scenario.fails_with))
    verdict.count_recovery(stage, run, since, scene.blows)
    _nobody_is_silent(stage, run, verdict)
    verdict.memory_after = stage.memory_mb()
    if verdict.memory_after > verdict.memory_before * 1.5 + 50:
        verdict.wrong.append(f"memory went from {verdict.memory_before:.0f} to {verdict.memory_after:.0f} MB")
    return verdict


def _wait_for_the_end(stage, run):
    """Until every job of the run, and the schedule's, has ended; or until patience has."""
    waiting = (
        "SELECT count(*) FROM jobs WHERE status NOT IN ('succeeded', 'failed', 'cancelled')"
        " AND (tags @> ARRAY[:run] OR (schedule IS NOT NULL AND created_at < :ended))"
    )
    ended, deadline = stage.now(), time.monotonic() + _PATIENCE
    while stage.look(waiting, run=run, ended=ended)[0][0] and time.monotonic() < deadline:
        time.sleep(0.2)


def _nobody_is_silent(stage, run, verdict):
    """Each process lives, each node takes jobs, each group does some, the schedule goes on."""
    since = stage.now()
    fired = "SELECT count(*) FROM schedule_runs WHERE decided_at > :since AND outcome IN ('ran', 'late')"
    at_work = (
        "SELECT DISTINCT actor FROM job_events WHERE at > :since AND event = 'claimed'"
        " AND job_id IN (SELECT id FROM jobs WHERE tags @> ARRAY[:run])"
    )
    try:
        eventually(stage.is_whole, seconds=120)
        eventually(lambda: stage.look(fired, since=since)[0][0], seconds=30)
        eventually(lambda: _all_work(stage, f"{run}-after", at_work, since), seconds=60)
    except AssertionError as error:
        verdict.wrong.append(f"dead or silent: {error}")


def _all_work(stage, run, at_work, since):
    body = {"kind": "probe", "params": {"seconds": 0.3}, "tags": [run]}
    for name in stage.urls:
        with stage.client_of(name) as client:
            answers = [client.post("/api/v1/jobs", json=body) for _ in range(SLOTS)]
            # The first to notice that a session died with the old Postgres is told to come again.
            if not any(answer.status_code == HTTPStatus.ACCEPTED for answer in answers):
                return False
    time.sleep(1)
    return {row.actor for row in stage.look(at_work, since=since, run=run)} == {f"worker {name}" for name in GROUPS}
