"""The measurements run and print what they promise; how fast is not asked here."""

import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from bench.pages import part, parts_of, with_part
from bench.plots import plot
from tests.running import ROOT

_SMALL = {
    "http": ["--rounds", "1", "--seconds", "0.2", "--clients", "4", "--batch", "50"],
    "jobs": ["--rounds", "1", "--jobs", "30", "--pickups", "5"],
    "sums": ["--rounds", "1", "--seconds", "0.2", "--clients", "2", "--nodes", "1"],
    "growth": [
        *("--rounds", "1", "--seconds", "0.1", "--pickups", "3", "--clients", "1", "2", "--payload", "10", "20000"),
        *("--depth", "50", "--jobs", "10", "200"),
    ],
}
_RATIOS = {
    "http": ["poll / Flask + Redis GET", "submit, durable / Flask + INSERT alone", "jobs:batch / multi-row INSERT"],
    "jobs": ["Celery with Redis results", "ours / Celery"],
    "sums": ["bare INCRBY, bare Flask", "reckoner, keyed"],
    "growth": ["2", "20,000", "50", "200"],
}


@pytest.mark.timeout(200)
@pytest.mark.parametrize("name", _SMALL)
def test_a_small_measurement_prints_its_ratios(name):
    command = [sys.executable, "-m", "bench", name, *_SMALL[name]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for ratio in _RATIOS[name]:
        assert re.search(rf"^\| {re.escape(ratio)}.*\d\.\d\dx", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.timeout(200)
def test_the_floor_says_what_each_step_costs_and_each_group_of_processes():
    command = [sys.executable, "-m", "bench", "floor", "--times", "5", "--jobs", "30"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for row in (
        "Redis: PING",
        "end and the next claim: one prepared statement, both shown in Redis",
        "postgres",
        "all",
    ):
        assert re.search(rf"^\| {re.escape(row)} \| \d+\.\d\d \|$", done.stdout, re.MULTILINE), done.stdout


_PAGE = "a\n<!-- measured: one -->\nold\n<!-- end: one -->\nb\n<!-- measured: two -->\nkept\n<!-- end: two -->\n"


def test_a_measurement_replaces_its_own_part_and_no_other():
    page = with_part(_PAGE, "one", r"new \1")
    assert r"new \1" in page
    assert "old" not in page
    assert page.startswith("a\n")
    assert page.endswith("b\n<!-- measured: two -->\nkept\n<!-- end: two -->\n")


def test_a_measurement_of_several_parts_says_where_each_belongs():
    heard = f"{part('one')}\n| a |\n\n{part('two')}\n| b |\n| c |\n"
    assert parts_of("all", heard) == {"one": "| a |", "two": "| b |\n| c |"}
    assert parts_of("all", "| a |\n") == {"all": "| a |"}


def test_a_part_that_the_page_does_not_have_is_an_error():
    with pytest.raises(ValueError, match="three"):
        with_part(_PAGE, "three", "new")


def test_a_plot_is_an_svg_of_all_curves_and_points():
    svg = ET.fromstring(plot("A & B", "size", [0, 10, 1000], {"up": [1, 2, 4], "down": [9, 9, 0.9]}))
    texts = ["".join(each.itertext()) for each in svg.iterfind(".//{*}text")]
    assert {"A & B", "size", "up", "down", "0", "10", "1k", "0.1x", "1x", "5x"} <= set(texts)
    lines = [each.get("points").split() for each in svg.iterfind(".//{*}polyline")]
    assert [len(line) for line in lines] == [3, 3]
    ends = {line[-1] for line in lines}
    assert len(ends) == 2
    for x, y in (point.split(",") for line in lines for point in line):
        assert 0 <= float(x) <= 720
        assert 0 <= float(y) <= 340


def test_every_measurement_has_a_target_of_make():
    made = set(re.findall(r"-m bench (\w+)", (ROOT / "Makefile").read_text()))
    listed = subprocess.run([sys.executable, "-m", "bench"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {line.split()[0] for line in listed.stdout.splitlines() if line.startswith("  ")} == made
