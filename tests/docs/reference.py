"""The reference pages, made from the code: `make reference` writes them, and a test says when one is stale."""

import inspect
import sys
from datetime import timedelta
from enum import Enum
from typing import Any

import click
from pydantic_core import PydanticUndefined

import api.app  # so that every error is there
import api.problem
from api.console.wording import NOTHING, span
from core.errors import PlatformError
from core.number_set.errors import NumberOutOfRangeError
from core.settings import Settings
from reckoner.cli import COMMANDS, cli
from tasks.etl.reasons import MEANING, Reason
from tasks.registry import make_registry
from tests.running import ROOT

FOLDER = ROOT / "docs" / "reference"
_MADE = "\n*Made from the code by `make reference`.*\n"


def settings():
    yield "# Settings\n"
    yield _MADE
    yield "\nRead from the environment when a process starts; a wrong value stops the start with one clear line."
    yield " Durations are seconds, or ISO 8601 such as `PT30M`; lists are apart by commas.\n"
    yield "\n| variable | default | what it is |\n| --- | --- | --- |\n"
    for name, field in Settings.model_fields.items():
        names = field.validation_alias.choices if field.validation_alias else (f"RECKONER_{name.upper()}",)
        yield f"| {' or '.join(f'`{each}`' for each in names)} | {_default(field)} | {_cell(field.description)} |\n"


def _default(field):
    if field.default_factory is not None:
        return "this machine's name"
    if field.default is PydanticUndefined:
        return "**needed**"
    return _value(field.default)


def _value(value: Any):
    if isinstance(value, timedelta):
        return _period(value)
    if isinstance(value, Enum):
        return f"`{value.value}`"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ("", (), [], {}):
        return NOTHING
    return f"`{_cell(', '.join(map(str, value)) if isinstance(value, list | tuple) else value)}`"


def _period(value):
    days = value.total_seconds() / 86400
    return f"{days:.0f} days" if days >= 2 else span(value.total_seconds())


def _cell(text):
    return str(text or "").replace("|", "\\|").replace("\n", " ")


def command():
    yield "# The `reckoner` command\n"
    yield _MADE
    yield f"\n{inspect.cleandoc(cli.help)}\n\nEvery command takes `--url`, `--key` and `--json` before its name.\n"
    context = click.Context(cli, info_name="reckoner")
    for name in COMMANDS:
        found = cli.get_command(context, name)
        if name != "submit":  # its sub-commands are the platform's kinds: see kinds.md
            yield from _command(found, click.Context(found, info_name=name, parent=context), 2)
        else:
            yield f"\n## reckoner submit\n\n{inspect.cleandoc(found.help)} [Kinds](kinds.md) says what each takes.\n"
    yield f"\n## Exit codes\n\n```text\n{inspect.cleandoc(cli.epilog.replace(chr(8), ''))}\n```\n"


def _command(found, context, level):
    usage = " ".join(found.collect_usage_pieces(context))
    yield f"\n{'#' * level} {context.command_path}\n\n`{context.command_path} {usage}`\n\n"
    yield f"{inspect.cleandoc(found.help or '').replace(chr(8), '')}\n"
    options = [each for each in found.params if isinstance(each, click.Option) and not each.hidden]
    own = [each for each in options if "--help" not in each.opts]
    if own:
        yield "\n| option | what it does |\n| --- | --- |\n"
        for option in own:
            flags = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
            yield f"| {flags} | {_cell(option.help)} |\n"
    for name in getattr(found, "commands", {}):
        inner = found.commands[name]
        yield from _command(inner, click.Context(inner, info_name=name, parent=context), level + 1)


def kinds():
    yield "# Kinds\n"
    yield _MADE
    yield "\nWhat can be asked for with `POST /api/v1/jobs`, `reckoner submit` and *New job* in the console.\n"
    for kind in make_registry():
        keep = kind.retention
        yield f"\n## {kind.name}: {kind.title}\n\n{kind.description}\n\n"
        yield f"Waits in `{kind.queue}`" + (" (arrays: by what is asked)" if kind.queue_of else "")
        yield f"; runs {_period(kind.time_limit)} at most; tried {kind.retry.max_attempts} times"
        yield f"; kept {_period(keep.succeeded)}, if it failed {_period(keep.failed)}.\n"
        yield from _fields("Params", kind.params)
        yield from _fields("Result", kind.result)


def _fields(title, model):
    if not model.model_fields:
        yield f"\n{title}: none.\n"
        return
    is_params = title == "Params"
    yield f"\n| {title.lower()} | type |{' default |' if is_params else ''} what it is |\n"
    yield f"| --- | --- |{' --- |' if is_params else ''} --- |\n"
    schema = model.model_json_schema(mode="validation" if is_params else "serialization")
    for name, about in schema["properties"].items():
        default = f" {_given(model.model_fields[name])} |" if is_params else ""
        yield f"| `{name}` | {_type(about, schema.get('$defs', {}))} |{default} {_cell(about.get('description'))} |\n"


def _given(field):
    return "**needed**" if field.is_required() else _value(field.get_default(call_default_factory=True))


def _type(about, named):
    if "$ref" in about:
        name = about["$ref"].rpartition("/")[2]
        return _type(named[name], named) if "enum" in named[name] else name
    if "anyOf" in about:
        return " or ".join(dict.fromkeys(_type(each, named) for each in about["anyOf"] if each.get("type") != "null"))
    if "enum" in about:
        return ", ".join(f"`{_cell(value.replace(chr(9), 'tab'))}`" for value in about["enum"] if value is not None)
    if about.get("type") == "array":
        return f"list of {_type(about.get('items', {}), named)}"
    if isinstance(about.get("additionalProperties"), dict):
        return f"{_type(about['additionalProperties'], named)} by name"
    return about.get("format") or about.get("type") or "any"


def errors():
    yield "# Errors\n"
    yield _MADE
    yield "\nEvery error is `application/problem+json`: `type` ends in the code below, `message` says what to do, and"
    yield " `details` names the values. *Worth a retry* means that the same request may succeed later; jobs that fail"
    yield " so are tried again by themselves.\n"
    yield "\n| code | status | worth a retry | what it means |\n| --- | --- | --- | --- |\n"
    described = sorted(_below(PlatformError), key=lambda each: "__doc__" in vars(each) and bool(each.__doc__))
    by_code = {each.code: each for each in described}  # of two with one code, the one that says what it means
    for cls in sorted(by_code.values(), key=lambda each: each.code.lower()):
        retry = "yes" if cls.retryable else ""
        yield f"| `{cls.code}` | {_status(cls)} | {retry} | {_cell(_meaning(cls))} |\n"
    yield "\n## Why the ETL rejects a row\n\n| reason | what it means |\n| --- | --- |\n"
    for reason in Reason:
        yield f"| `{reason}` | {_cell(MEANING[reason])} |\n"


def _below(cls):
    for each in cls.__subclasses__():
        if each.__module__.partition(".")[0] in {"core", "tasks", "api"} and each is not api.problem.ProblemError:
            yield each
            yield from _below(each)


def _status(cls):
    """The answer to a request; what only jobs end with has none."""
    if cls is NumberOutOfRangeError:
        return "400"  # as the older service answers
    return next((str(api.problem.STATUS[each]) for each in cls.__mro__ if each in api.problem.STATUS), "a job's")


def _meaning(cls):
    own = vars(cls).get("__doc__")
    if own:
        return inspect.cleandoc(own).splitlines()[0]
    if cls.code.isupper():  # the code is a sentence by itself
        return f"{cls.code.replace('_', ' ').capitalize()}."
    return f"{api.problem.TITLES[int(_status(cls))].rstrip('?')}."


PAGES = {"settings": settings, "cli": command, "kinds": kinds, "errors": errors}


def made(name):
    return "".join(PAGES[name]())


def main():
    FOLDER.mkdir(exist_ok=True)
    for name in PAGES:
        path = FOLDER / f"{name}.md"
        path.write_text(made(name), encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
