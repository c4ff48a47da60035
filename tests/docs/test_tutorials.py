"""Each tutorial does what it says when its commands are typed one after another."""

import os
import signal
from contextlib import suppress

import pytest

from embedded.ports import free_port
from tests.docs.conftest import TUTORIALS, read
from tests.docs.page import Page, fits
from tests.running import ROOT, RunningPlatform

pytestmark = pytest.mark.timeout(360)  # a page is many commands, each with a start of its own

ON_ONE_PLATFORM = ("reconcile-a-payment", "clear-a-ledger", "find-gaps-in-invoices", "nightly-etl", "add-a-kind")
ON_SEVERAL_MACHINES = "run-on-several-machines"


def differences(ran, steps):
    found = [
        f"$ {step.command}\n{printed}\n--- shown:\n{step.shown}"
        for step, printed in ran
        if not fits(step.shown, printed)
    ]
    return "\n\n".join(found + [f"never reached: {step.command}" for step in steps[len(ran) :]])


def test_every_tutorial_is_run():
    assert {path.stem for path in TUTORIALS.glob("*.md")} == {*ON_ONE_PLATFORM, ON_SEVERAL_MACHINES}


@pytest.mark.parametrize("name", ON_ONE_PLATFORM)
def test_a_tutorial_shows_what_happens(started, folders, terminal, name):
    page = read(name)
    assert page.steps
    ran, _ = page.run(folders[name], terminal(started.url))
    wrong = differences(ran, page.steps)
    assert not wrong, wrong


def test_the_readme_shows_what_happens_to_the_sample(make_database, valkey_server, tmp_path, terminal):
    """On a platform of its own: its report has the rows of no other page."""
    own = RunningPlatform(make_database("readme"), valkey_server.url.rsplit("/", 1)[0] + "/13", tmp_path)
    try:
        own.start_worker(wait=False)
        own.start_api()
        replaced = {".venv/bin/": "", "localhost:8000": own.url.removeprefix("http://")}
        page = Page(ROOT / "README.md", section="A dirty file in, a daily report out", **replaced)
        ran, _ = page.run(ROOT, terminal(own.url))
    finally:
        own.stop()
    assert len(page.steps) == 2
    wrong = differences(ran, page.steps)
    assert not wrong, wrong


def test_several_machines_are_one_platform(folders, terminal, make_database, valkey_server):
    page = read(ON_SEVERAL_MACHINES, _8001=str(free_port()), _8002=str(free_port()))
    folder = folders[ON_SEVERAL_MACHINES]
    settings = {
        "DATABASE_URL": make_database("several_machines"),
        "REDIS_URL": valkey_server.url.rsplit("/", 1)[0] + "/12",
        "RECKONER_STORAGE_URL": f"file://{folder}/files",
        "RECKONER_HOME": str(folder),
    }
    ran, group = page.run(folder, terminal(**settings))
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    wrong = differences(ran, page.steps)
    assert not wrong, wrong


def test_output_is_compared_line_by_line():
    assert fits("a ... c\n...\nend\n", "a b c\nmore\nand more\nend\n")
    assert fits("...\nend\n", "end\n")
    assert not fits("a\n", "a\nb\n")
    assert not fits("", "anything\n")
    assert not fits("1,200\n", "1,300\n")
