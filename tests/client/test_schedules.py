"""Schedules from the command line, against a node that has one."""

import json

import pytest


@pytest.fixture
def scheduled(workerless, schedule, type_in):
    schedule("often", due="+ interval '1 hour'")

    def run(*arguments):
        return type_in("schedules", *arguments, url=workerless.url)

    return run


def test_a_schedule_is_seen_paused_resumed_run_and_made_up_for(scheduled):
    assert "often" in scheduled().out
    assert json.loads(scheduled("pause", "often", "--json").out)[0]["state"] == "paused"
    assert "paused by local" in scheduled().out
    assert json.loads(scheduled("resume", "often", "--json").out)[0]["state"] == "active"
    run = json.loads(scheduled("run", "often", "--json").out)[0]
    assert (run["trigger"], run["outcome"]) == ("manual", "ran")
    made = json.loads(scheduled("backfill", "often", "--start", "10m", "--end", "5m", "--json").out)
    assert {entry["trigger"] for entry in made} == {"backfill"}
    listed = scheduled("runs", "often").out
    assert run["job_id"] in listed
    assert listed.count("backfill") == len(made) == 5


def test_an_unknown_schedule_is_refused_with_the_known_ones(scheduled):
    ran = scheduled("run", "never")
    assert ran.code == 6
    assert "often" in ran.err
