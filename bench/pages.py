"""docs/performance.md, made of parts: each measurement replaces its own, between marks, and leaves the others alone."""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

_pictures: dict[str, str] = {}
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def measured(name: str, arguments: list[str], run: Callable[[list[str]], int | None]) -> int:
    """Run a measurement; with `--write` its tables become its part of the page as well."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--write", action="store_true")
    asked, left = parser.parse_known_args(arguments)
    if not asked.write:
        return run(left) or 0
    heard = io.StringIO()
    with redirect_stdout(heard):
        code = run(left) or 0
    print(heard.getvalue(), end="")
    if code == 0:
        command = " ".join(["python -m bench", name, *left])
        for file_name, svg in _pictures.items():
            (PAGE.parent / file_name).write_text(svg)
        page = PAGE.read_text()
        for part, text in parts_of(name, heard.getvalue()).items():
            page = with_part(page, part, f"{_dated(command)}\n\n{text}")
        PAGE.write_text(page)
    return code


def picture(file_name: str, svg: str, alt: str) -> str:
    """What shows a picture on the page; it is written beside it when the measurement's part is."""
    _pictures[file_name] = svg
    return f"![{alt}]({file_name})"


def part(name: str) -> str:
    """A line for a measurement of several parts: what is printed after it is a part of the page of its own."""
    return f"<!-- part: {name} -->"


def parts_of(name: str, heard: str) -> dict[str, str]:
    """What was printed, by the parts of the page it belongs to; without a line of `part` it is one."""
    before, *others = re.split(r"^<!-- part: (.+) -->$", heard, flags=re.MULTILINE)
    if not others:
        return {name: before.strip()}
    return {title: text.strip() for title, text in zip(others[::2], others[1::2], strict=True)}


def _dated(command: str) -> str:
    return f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, Python {sys.version.split()[0]}:"


def with_part(page: str, name: str, text: str) -> str:
    """The page with what stands between the marks of `name` replaced; a part it does not have is an error."""
    begin, end = f"<!-- measured: {name} -->", f"<!-- end: {name} -->"
    marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if len(marked.findall(page)) != 1:
        raise ValueError(f"docs/performance.md must have exactly one part {begin} ... {end}")
    return marked.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", page)
