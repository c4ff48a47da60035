"""Options from a schema, and params from options."""

import io
import json
from decimal import Decimal
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from reckoner.schema_options import Json, fields_of, option_of, params_from

SCHEMA = {
    "type": "object",
    "required": ["nums"],
    "$defs": {
        "Mode": {"type": "string", "enum": ["first", "all"]},
        "Table": {
            "type": "object",
            "properties": {
                "file": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "sheet": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            },
        },
        "Where": {"type": "object", "properties": {"column": {"type": "string"}}},
    },
    "properties": {
        "nums": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "number"}]}},
        "target": {"anyOf": [{"type": "integer"}, {"type": "number"}, {"type": "string"}, {"type": "null"}]},
        "rows": {"type": "integer"},
        "mode": {"$ref": "#/$defs/Mode", "default": "first", "description": "What to look for."},
        "one_to_one": {"type": "boolean", "default": False},
        "equal_by": {"type": "array", "items": {"type": "string"}},
        "where": {"type": "array", "items": {"$ref": "#/$defs/Where"}},
        "against": {"anyOf": [{"$ref": "#/$defs/Table"}, {"type": "null"}], "default": None},
        "file": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "free": {"type": "object", "additionalProperties": True},
        "priority": {"type": "string"},
    },
}
FIELDS = list(fields_of(SCHEMA))


def read(*arguments, base=None, taken=("priority",)):
    """The params that a command with this schema would send."""
    got = {}
    options = [option_of(field, set(taken)) for field in FIELDS]
    made = click.Command("kind", params=options, callback=lambda **given: got.update(given))
    ran = CliRunner().invoke(made, [str(argument) for argument in arguments], catch_exceptions=False)
    if ran.exit_code:
        raise click.UsageError(ran.output)
    return params_from(FIELDS, got, base or {})


def test_what_is_not_given_is_not_sent():
    assert read() == {}


@pytest.mark.parametrize(
    "arguments",
    [("--nums", "1,2.50,-3"), ("--nums", "1", "--nums", "2.50", "--nums", "-3"), ("--nums", "[1, 2.50, -3]")],
    ids=["commas", "repeated", "JSON"],
)
def test_a_list_of_numbers_is_given_three_ways_and_keeps_its_digits(arguments):
    params = read(*arguments)
    assert params == {"nums": [1, Decimal("2.50"), -3]}
    assert isinstance(params["nums"][0], int)


def test_numbers_below_nought_are_values_not_options():
    assert read("--target", "-0.50", "--nums", "-1,-2") == {"target": Decimal("-0.50"), "nums": [-1, -2]}


def test_a_list_comes_from_a_file(tmp_path):
    path = tmp_path / "nums.json"
    path.write_text(json.dumps(list(range(1000))))
    assert read("--nums", f"@{path}")["nums"] == list(range(1000))


def test_json_comes_from_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO('{"a": 1}'))
    assert Json().convert("@-", None, None) == {"a": 1}


def test_a_comma_in_text_belongs_to_the_text():
    assert read("--equal-by", "Name, first", "--equal-by", "City") == {"equal_by": ["Name, first", "City"]}


def test_the_members_of_an_object_are_options_with_a_dot():
    assert read("--against.sheet", "May") == {"against": {"sheet": "May"}}
    assert read("--against.sheet", "2") == {"against": {"sheet": 2}}
    assert read("--against.sheet", '"2024"') == {"against": {"sheet": "2024"}}


def test_a_list_of_objects_is_json():
    assert read("--where", '[{"column": "Currency"}]') == {"where": [{"column": "Currency"}]}


def test_an_object_without_known_members_is_json():
    assert read("--free", '{"a": 0.10}') == {"free": {"a": Decimal("0.10")}}


def test_choices_switches_and_whole_numbers():
    assert read("--mode", "all", "--one-to-one", "--rows", "3") == {"mode": "all", "one_to_one": True, "rows": 3}
    assert read("--no-one-to-one") == {"one_to_one": False}


@pytest.mark.parametrize(
    "arguments",
    [("--mode", "some"), ("--rows", "many"), ("--free", "{"), ("--nums", "1,x"), ("--file", "/no/such/file.xlsx")],
)
def test_what_cannot_be_meant_is_refused_before_it_is_sent(arguments):
    with pytest.raises(click.UsageError):
        read(*arguments)


def test_a_file_of_this_machine_is_kept_as_a_path_and_an_id_as_an_id(tmp_path):
    path = tmp_path / "ledger.xlsx"
    path.write_bytes(b"PK")
    file_id = "01a1fdb0-23fc-7a4c-9ee7-a5bf5194ebce"
    assert read("--file", path, "--against.file", file_id) == {"file": Path(path), "against": {"file": file_id}}


def test_a_param_called_as_an_option_of_every_kind_gets_another_name():
    assert read("--param-priority", "high") == {"priority": "high"}


def test_options_go_before_what_a_base_says():
    base = {"rows": 1, "against": {"sheet": "May", "file": "x"}}
    assert read("--rows", "2", "--against.sheet", "June", base=base) == {
        "rows": 2,
        "against": {"sheet": "June", "file": "x"},
    }
    assert base["against"]["sheet"] == "May"


def test_help_says_what_the_schema_says():
    options = {field.flag: option_of(field, set()) for field in FIELDS}
    assert options["mode"].help == "What to look for. [default: first]"
    assert "[required]" in options["nums"].help
