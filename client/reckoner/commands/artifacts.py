"""The files a job made: list them, save them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from reckoner.desk import Desk, at_desk
from reckoner.printing import clean, console, print_json, table

from .completing import complete_job


@click.command()
@click.argument("job_id", shell_complete=complete_job)
@click.argument("names", nargs=-1)
@click.option(
    "--save",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Save them (the named ones, or all) in this folder.",
)
@at_desk
def artifacts(desk: Desk, job_id: str, names: tuple[str, ...], folder: Path | None) -> None:
    """The files a job made; with --save they are downloaded and checked against their hashes."""
    found = desk.reckoner.artifacts(job_id)
    if names:
        unknown = set(names) - {artifact.name for artifact in found}
        if unknown:
            known = ", ".join(artifact.name for artifact in found) or "none"
            raise click.BadParameter(
                f"no artifact {', '.join(sorted(unknown))}; there are: {known}", param_hint="NAMES"
            )
        found = [artifact for artifact in found if artifact.name in names]
    saved = [desk.reckoner.download(job_id, artifact.name, folder) for artifact in found] if folder is not None else []
    if desk.as_json:
        print_json([asdict(artifact) for artifact in found])
    elif folder is not None:
        for path in saved:
            click.echo(clean(path))
    else:
        rows = ((artifact.name, f"{artifact.bytes:,}", artifact.media_type) for artifact in found)
        console().print(table(("name", "bytes", "type"), rows, empty="this job made no files"))
