"""What is done to the platform, one function each; the table at the end says what each may cost."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import redis

from tests.chaos.clock import shifted
from tests.chaos.size import Size
from tests.chaos.stage import APIS, BEATS, GROUPS, Stage
from tests.running import eventually


@dataclass(frozen=True)
class Scene:
    """Where a scenario plays."""

    stage: Stage
    rng: random.Random
    size: Size
    run: str
    blows: dict[str, datetime] = field(default_factory=dict)  # when which job was hit, where not all were at once


@dataclass(frozen=True)
class Scenario:
    """A disturbance; answers the moment from which recovery counts, by Postgres' clock."""

    disturb: Callable[[Scene], datetime]
    says: str
    within: float = 15  # seconds to recover
    crashes_in: tuple[str, ...] = ()  # groups whose jobs may lose an attempt
    interrupts: bool = False  # effects half done are done again: their transaction was broken
    hands_back: bool = False
    fails_with: str = ""  # the one error code a job may end with, and then without effect


_FRESH = """
SELECT id::text, pid FROM jobs WHERE status = 'running' AND attempt = 1
   AND (kind = 'etl' OR (params->>'seconds')::float BETWEEN 0.1 AND 2)
"""
_NO_ROOM = "SELECT count(*) FROM job_events WHERE at >= :since AND detail->>'code' = 'storage_full'"


def kill_children(scene):
    """Victims are chosen at random among those that have a while to go; some end just before they are hit."""
    for _ in range(scene.size.kills):
        victims = eventually(partial(scene.stage.look, _FRESH), seconds=30, every=0.01)
        victim = scene.rng.choice(victims)
        scene.blows[victim.id] = scene.stage.now()
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGKILL)
        time.sleep(scene.rng.uniform(0.2, 0.6))
    return scene.stage.now()


def kill_group(scene):
    since = scene.stage.now()
    scene.stage.end("left", signal.SIGKILL)
    time.sleep(scene.size.lease / 2)
    scene.stage.restart("left")
    return since


def kill_node(scene):
    for _ in range(max(2, scene.size.kills // 3)):
        name = scene.rng.choice(APIS)
        scene.stage.end(name, signal.SIGKILL)
        time.sleep(scene.rng.uniform(0.2, 1))
        scene.stage.restart(name)
        eventually(scene.stage.is_whole, seconds=120)
    return scene.stage.now()


def kill_node_child(scene):
    for name in APIS:
        children = set(scene.stage.pids(name)) - {scene.stage.processes[name].pid}
        os.kill(scene.rng.choice(sorted(children)), signal.SIGKILL)
    return scene.stage.now()


_FIRED = "SELECT count(*) FROM schedule_runs WHERE outcome <> 'missed'"


def kill_beats(scene):
    for name in BEATS:
        scene.stage.end(name, signal.SIGKILL)
    time.sleep(scene.size.outage / 2)
    for lone in BEATS:  # each must do alone, which also shows that neither is silent
        scene.stage.restart(lone)
        fired = scene.stage.look(_FIRED)[0][0]
        eventually(partial(_has_fired, scene.stage, fired + 2), seconds=30)
        scene.stage.end(lone, signal.SIGKILL)
    for name in BEATS:
        scene.stage.restart(name)
    return scene.stage.now()


def _has_fired(stage, count):
    return stage.look(_FIRED)[0][0] >= count


def rolling_restart(scene):
    order = [*APIS, *GROUPS, *BEATS]
    scene.rng.shuffle(order)
    for name in order:
        scene.stage.end(name, signal.SIGTERM)
        scene.stage.restart(name)
        eventually(scene.stage.is_whole, seconds=120)
    return scene.stage.now()


def freeze_group(scene):
    since = scene.stage.now()
    scene.stage.kill_group("right", signal.SIGSTOP)
    time.sleep(scene.size.lease + 3)
    scene.stage.kill_group("right", signal.SIGCONT)
    return since


def kill_valkey(scene):
    scene.stage.valkey.kill()
    scene.stage.valkey.start()
    return scene.stage.now()


def empty_valkey(scene):
    scene.stage.valkey.kill()
    for leftover in scene.stage.valkey.data.glob("**/*.aof*"):
        leftover.unlink()
    scene.stage.valkey.start()
    return scene.stage.now()


def stop_valkey(scene):
    scene.stage.valkey.stop()
    time.sleep(scene.size.outage)
    scene.stage.valkey.start()
    return scene.stage.now()


def fill_valkey(scene):
    with redis.Redis.from_url(scene.stage.valkey.url) as client:
        client.config_set("maxmemory", 1)
        time.sleep(scene.size.outage)
        client.config_set("maxmemory", 0)
    return scene.stage.now()


def restart_postgres(scene):
    scene.stage.postgres.stop()
    scene.stage.postgres.start()
    return scene.stage.now()


def stop_postgres(scene):
    scene.stage.postgres.stop()
    time.sleep(scene.size.outage)
    scene.stage.postgres.start()
    return scene.stage.now()


def kill_postgres(scene):
    scene.stage.postgres.kill()
    scene.stage.postgres.start()
    return scene.stage.now()


def fill_disk(scene):
    """Full for a while, and until a job has found it so."""
    pids = scene.stage.pids(*APIS, *GROUPS)
    since = scene.stage.now()
    scene.stage.disk.fill(pids)
    time.sleep(scene.size.outage / 3)
    eventually(partial(_is_felt, scene, since), seconds=60, every=0.5)
    scene.stage.disk.clear(pids)
    return scene.stage.now()


def _is_felt(scene, since):
    """Few jobs may all have been quicker than the disk was full: another one finds it so."""
    body = {"kind": "probe", "params": {"save_bytes": 1024**2}, "tags": [scene.run]}
    with scene.stage.client_of(scene.rng.choice(APIS)) as client:
        client.post("/api/v1/jobs", json=body)
    return scene.stage.look(_NO_ROOM, since=since)[0][0]


def shift_clocks(scene):
    """A node an hour ahead and a group an hour behind; then Valkey loses what they put there."""
    wrong = {"api-1": timedelta(hours=1), "right": timedelta(hours=-1)}
    for name, by in wrong.items():
        scene.stage.end(name, signal.SIGTERM)
        scene.stage.restart(name, **shifted(scene.stage.home, by))
    eventually(scene.stage.is_whole, seconds=120)
    time.sleep(scene.size.outage / 3)
    since = empty_valkey(scene)
    time.sleep(scene.size.outage / 3)
    for name in wrong:
        scene.stage.end(name, signal.SIGTERM)
        scene.stage.restart(name)
    return since


def cut_from_postgres(scene):
    since = scene.stage.now()
    _cut(scene.stage.postgres_wire, scene.size.lease + 4)
    return since


def cut_from_valkey(scene):
    _cut(scene.stage.valkey_wire, scene.size.outage)
    return scene.stage.now()


def _cut(wire, seconds):
    wire.cut()
    time.sleep(seconds)
    wire.mend()


def nothing(scene):
    return scene.stage.now()


SCENARIOS = {
    "nothing": Scenario(nothing, "the same load undisturbed"),
    "child": Scenario(kill_children, "`kill -9` of worker children", within=5, crashes_in=GROUPS),
    "group": Scenario(kill_group, "`kill -9` of a whole worker group", crashes_in=("left",)),
    "node": Scenario(kill_node, "`kill -9` of API nodes while clients submit"),
    "node-child": Scenario(kill_node_child, "`kill -9` of a process of each API node"),
    "beats": Scenario(kill_beats, "`kill -9` of both beats; then each alone"),
    "rolling": Scenario(rolling_restart, "SIGTERM and a successor for every process, one by one", hands_back=True),
    "frozen": Scenario(
        freeze_group, "SIGSTOP of a group for longer than its lease, then SIGCONT", crashes_in=("right",)
    ),
    "valkey-killed": Scenario(kill_valkey, "`kill -9` of Valkey (append-only file)"),
    "valkey-empty": Scenario(empty_valkey, "`kill -9` of Valkey, which comes back empty"),
    "valkey-stopped": Scenario(stop_valkey, "Valkey stopped"),
    "valkey-full": Scenario(fill_valkey, "Valkey out of memory (noeviction)"),
    "postgres-restarted": Scenario(restart_postgres, "Postgres restarted", interrupts=True),
    "postgres-stopped": Scenario(stop_postgres, "Postgres stopped", interrupts=True),
    "postgres-killed": Scenario(kill_postgres, "`kill -9` of Postgres", interrupts=True),
    "disk-full": Scenario(fill_disk, "no room in the storage", fails_with="storage_full"),
    "clock": Scenario(shift_clocks, "a node an hour ahead, a group an hour behind, Valkey emptied", hands_back=True),
    "cut-postgres": Scenario(
        cut_from_postgres,
        "a group cut off from Postgres for longer than its lease",
        crashes_in=("right",),
        interrupts=True,
    ),
    "cut-valkey": Scenario(cut_from_valkey, "a group cut off from Valkey"),
}
