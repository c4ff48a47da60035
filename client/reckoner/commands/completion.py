"""Completion for bash, zsh and fish."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ["bash", "zsh", "fish"]


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    r"""Print what makes your shell complete this command.

    \b
    bash:  reckoner completion bash > ~/.local/share/bash-completion/completions/reckoner
    zsh:   reckoner completion zsh > "${fpath[1]}/_reckoner"
    fish:  reckoner completion fish > ~/.config/fish/completions/reckoner.fish

    Kinds, params, job ids and queues are completed too.
    """
    from reckoner.cli import cli  # noqa: PLC0415  # it loads us

    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(made(cli, {}, "reckoner", "_RECKONER_COMPLETE").source())
