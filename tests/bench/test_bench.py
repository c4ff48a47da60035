"""The measurements run and print what they promise; how fast is not asked here."""

import re
import subprocess
import sys

import pytest

from bench.pages import with_part
from tests.running import ROOT

_SMALL = {
    "http": ["--rounds", "1", "--seconds", "0.2", "--clients", "4", "--batch", "50"],
    "jobs": ["--rounds", "1", "--jobs", "30", "--pickups", "5"],
}
_RATIOS = {
    "http": ["poll / Flask + Redis GET", "submit, durable / Flask + INSERT alone", "jobs:batch / multi-row INSERT"],
    "jobs": ["Celery with Redis results", "ours / Celery"],
}


@pytest.mark.timeout(200)
@pytest.mark.parametrize("name", _SMALL)
def test_a_small_measurement_prints_its_ratios(name):
    command = [sys.executable, "-m", "bench", name, *_SMALL[name]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for ratio in _RATIOS[name]:
        assert re.search(rf"^\| {re.escape(ratio)}.*\d\.\d\dx", done.stdout, re.MULTILINE), done.stdout


_PAGE = "a\n<!-- measured: one -->\nold\n<!-- end: one -->\nb\n<!-- measured: two -->\nkept\n<!-- end: two -->\n"


def test_a_measurement_replaces_its_own_part_and_no_other():
    page = with_part(_PAGE, "one", r"new \1")
    assert r"new \1" in page
    assert "old" not in page
    assert page.startswith("a\n")
    assert page.endswith("b\n<!-- measured: two -->\nkept\n<!-- end: two -->\n")


def test_a_part_that_the_page_does_not_have_is_an_error():
    with pytest.raises(ValueError, match="three"):
        with_part(_PAGE, "three", "new")
