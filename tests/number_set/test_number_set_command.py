"""`reckoner number-set`, as people type it."""

import json

import pytest

from reckoner.cli import main


@pytest.fixture
def reckoner(platform, capsys):
    def run(*words):
        try:
            code = main(["--url", platform.url, *words])
        except SystemExit as ended:
            code = ended.code
        return code or 0, capsys.readouterr()

    return run


def test_make_extract_look_and_reset(reckoner):
    assert reckoner("number-set", "create", "desk", "1000")[0] == 0
    code, said = reckoner("number-set", "extract", "5", "6", "900", "--set", "desk")
    assert (code, said.out.splitlines()[-1]) == (0, "900 extracted; 997 left")
    _, said = reckoner("number-set", "missing", "--set", "desk", "--json")
    assert [(one["first"], one["last"]) for one in json.loads(said.out)] == [(5, 6), (900, 900)]
    _, said = reckoner("number-set", "missing", "--set", "desk", "--limit", "1")
    assert "900" not in said.out
    assert "there are more" in said.err
    _, said = reckoner("number-set", "status", "--set", "desk", "--json")
    assert json.loads(said.out)["extracted_count"] == 3
    assert reckoner("number-set", "reset", "--set", "desk", "--yes")[0] == 0
    _, said = reckoner("number-set", "missing", "--set", "desk")
    assert "nothing is missing" in said.out


def test_what_the_platform_refuses_is_told_and_ends_with_its_code(reckoner):
    reckoner("number-set", "create", "desk2", "10")
    reckoner("number-set", "extract", "5", "--set", "desk2")
    code, said = reckoner("number-set", "extract", "5", "--set", "desk2")
    assert (code, "already been extracted" in said.err) == (6, True)
    code, said = reckoner("number-set", "extract", "11", "--set", "desk2")
    assert code != 0
    assert "out of range" in said.err
    assert reckoner("number-set", "status", "--set", "nowhere")[0] == 6
    assert reckoner("number-set", "extract", "five")[0] == 2


def test_the_list_and_who_took_what(reckoner):
    reckoner("number-set", "create", "desk3", "1000")
    reckoner("number-set", "extract", "5", "6", "--set", "desk3")
    _, said = reckoner("number-set", "list", "--json")
    found = next(each for each in json.loads(said.out) if each["name"] == "desk3")
    assert (found["max_number"], found["extracted_count"]) == (1000, 2)
    _, said = reckoner("number-set", "list")
    assert "desk3" in said.out
    assert "998" in said.out
    _, said = reckoner("number-set", "history", "--set", "desk3", "--limit", "2")
    assert [line.split()[2:5] for line in said.out.splitlines() if "extract" in line] == [
        ["local", "extract", "6"],
        ["local", "extract", "5"],
    ]
    assert "there are more" in said.err
    _, said = reckoner("number-set", "history", "--set", "desk3", "--number", "5", "--json")
    assert [each["number"] for each in json.loads(said.out)] == [5]
