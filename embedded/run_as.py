"""Whose rights a server runs with: Postgres refuses root, and initdb refuses a user without a name."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from embedded.errors import ServerError

_NOBODY = 65534


@dataclass(frozen=True)
class RunAs:
    """A user to become, or a command that runs another as somebody else."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None

    def popen(
        self,
        command: Sequence[str],
        *,
        output: int,
        keep: tuple[int, ...] = (),
        cwd: Path | None = None,
        before_exec: Callable[[], None] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a command in a session of its own, so that Ctrl-C reaches only its supervisor."""
        return subprocess.Popen(  # noqa: S603 - the commands are built here from paths we found
            [*self.prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=keep,
            cwd=cwd,
            env=_clean_environment(),
            start_new_session=True,
            preexec_fn=before_exec,  # noqa: PLW1509 - the function only calls what was loaded before the fork
            user=self.uid,
            group=self.uid,
            extra_groups=None if self.uid is None else [],
        )

    def run(self, command: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - as above
            [*self.prefix, *command],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd="/",
            env=_clean_environment(),
            user=self.uid,
            group=self.uid,
            extra_groups=None if self.uid is None else [],
        )

    def can_enter(self, directory: Path) -> bool:
        if self.uid is None:
            return True
        return self.run([shutil.which("test") or "/usr/bin/test", "-x", str(directory)]).returncode == 0

    def own(self, path: Path) -> None:
        if self.uid is not None:
            os.chown(path, self.uid, self.uid)


PLAIN = RunAs()
_NOBODY_IN_A_NAMESPACE = RunAs(prefix=("unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}", "--"))
AS_NOBODY = RunAs(uid=_NOBODY)


@cache
def for_postgres() -> RunAs:
    """An ordinary user with a name runs it as it is; root and the nameless become `nobody`.

    In a user namespace the files stay the caller's own, whatever the directories above them allow. Where
    namespaces are closed (most containers), root hands over the files instead.
    """
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return PLAIN
    if sys.platform.startswith("linux") and _namespaces_are_open() and _has_name(_NOBODY):
        return _NOBODY_IN_A_NAMESPACE
    if os.geteuid() == 0 and _has_name(_NOBODY):
        return AS_NOBODY
    raise ServerError(
        f"Postgres can't run as user {os.geteuid()}: it has no entry in /etc/passwd, and user namespaces are "
        "closed here; run as a named user, or set DATABASE_URL to a Postgres that runs elsewhere"
    )


def _namespaces_are_open() -> bool:
    if shutil.which("unshare") is None:
        return False
    return _NOBODY_IN_A_NAMESPACE.run([shutil.which("true") or "/bin/true"]).returncode == 0


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _clean_environment() -> dict[str, str]:
    """Ours, without what would steer a Postgres program (PGDATA, PGPORT, PGOPTIONS...); logs count in UTC."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"TZ": "UTC"}
