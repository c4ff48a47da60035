"""docker-compose.yml as Compose would read it: merged, with variables filled in."""

import re
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})")


class MissingVariableError(Exception):
    pass


def load(variables):
    return _filled(YAML(typ="safe").load(PATH.read_text()), variables)


def _filled(value, variables):
    if isinstance(value, dict):
        return {key: _filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, variables) for item in value]
    return _VARIABLE.sub(lambda found: _value(found, variables), value) if isinstance(value, str) else value


def _value(found, variables):
    name, rule, text = found.groups()
    if name is None:
        return "$"
    if variables.get(name):
        return variables[name]
    if rule != "-":
        raise MissingVariableError(name)
    return text


def example_variables():
    """What .env.example asks for, with what is empty there filled in."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {name: value or f"filled0{number}" for number, (name, value) in enumerate(pairs)}
