"""`python -m embedded up` keeps the platform running; `python -m embedded demo` shows one job and stops."""

import argparse
import sys
from collections.abc import Sequence

from embedded.errors import ServerError
from embedded.local_settings import read_local_settings
from embedded.log_lines import LogLines
from embedded.processes import LOCAL, MIGRATE, Process
from embedded.supervisor import Supervisor

# A cold start compiles and makes a database; this is for a machine that is slow and busy as well.
_DEMO_READY_SECONDS = 120.0
_DEMO = Process("demo", ("python", "-m", "embedded.demo"))


def up() -> int:
    return Supervisor(read_local_settings(), LOCAL, migrate=MIGRATE, log=LogLines(sys.stdout)).run()


def demo() -> int:
    """One job from start to answer; the log goes to a file and is shown only if something fails."""
    settings = read_local_settings(any_port=True)
    path = settings.home / "demo.log"
    print("Starting Postgres, Valkey, the API, a worker, beat and Flower ...", flush=True)
    with path.open("w", encoding="utf-8") as file:
        code = Supervisor(
            settings,
            LOCAL,
            migrate=MIGRATE,
            log=LogLines(file),
            foreground=_DEMO,
            ready_timeout_seconds=_DEMO_READY_SECONDS,
        ).run()
    if code != 0:
        tail = path.read_text(encoding="utf-8").splitlines()[-40:]
        print("\n".join(tail), f"\nThe demo failed; the whole log is in {path}", file=sys.stderr)
    else:
        print("Everything is stopped again.")
    return code


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m embedded", description=__doc__)
    parser.add_argument("command", choices=("up", "demo"))
    command = parser.parse_args(arguments).command
    try:
        return up() if command == "up" else demo()
    except ServerError as error:
        print(f"reckoner cannot start: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
