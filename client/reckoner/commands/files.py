"""Files: upload, list, show, delete."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from reckoner.desk import Desk, at_desk
from reckoner.printing import age, clean, console, facts, print_json, table
from reckoner.records import File

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.group(invoke_without_command=True)
@click.option("--limit", "-n", type=click.IntRange(1, 200), default=50, show_default=True, help="How many at most.")
@at_desk
def files(desk: Desk, limit: int) -> None:
    """Uploaded files, newest first; upload, show, delete."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    found = desk.reckoner.files(limit=limit)
    if desk.as_json:
        print_json([asdict(file) for file in found])
        return
    rows = ((file.id, age(file.created_at), file.format, f"{file.bytes:,}", file.name) for file in found)
    console().print(table(("id", "age", "format", "bytes", "name"), rows, empty="no files"))


@files.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@at_desk
def upload(desk: Desk, paths: tuple[Path, ...]) -> None:
    """Upload files of this machine; prints the id of each."""
    for path in paths:
        file = upload_drawn(desk, path)
        if desk.as_json:
            print_json(asdict(file))
        else:
            click.echo(file.id)


@files.command()
@click.argument("file_id")
@at_desk
def show(desk: Desk, file_id: str) -> None:
    """One file with its sheets and columns."""
    file = desk.reckoner.file(file_id)
    if desk.as_json:
        print_json(asdict(file))
        return
    shown: list[tuple[str, Any]] = [
        ("id", file.id),
        ("name", file.name),
        ("format", file.format),
        ("bytes", f"{file.bytes:,}"),
        ("uploaded", file.created_at),
        ("sha256", file.sha256),
    ]
    console().print(facts([*shown, *file.preview.items()]))


@files.command()
@click.argument("file_ids", nargs=-1, required=True)
@at_desk
def delete(desk: Desk, file_ids: tuple[str, ...]) -> None:
    """Delete files; what jobs have read of them stays in their results."""
    for file_id in file_ids:
        desk.reckoner.delete_file(file_id)
        if not desk.as_json:
            click.echo(f"{file_id} is deleted")


def upload_drawn(desk: Desk, path: Path) -> File:
    """Upload with a bar at a terminal."""
    with _drawn(path) as draw:
        return desk.reckoner.upload(path, progress=draw)


@contextmanager
def _drawn(path: Path) -> Iterator[Callable[[int, int], object] | None]:
    screen = console(err=True)
    if not screen.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        shown = bar.add_task(f"upload {clean(path.name)}", total=None)
        yield lambda sent, total: bar.update(shown, completed=sent, total=total)
