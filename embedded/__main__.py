"""`python -m embedded up` keeps the platform running; `python -m embedded demo` shows one job and stops.

`where` says where a running copy's console and Flower are; `reset` deletes the servers and all their data.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from embedded.endpoints import Endpoints
from embedded.errors import ServerError
from embedded.local_settings import home_of, read_local_settings
from embedded.log_lines import LogLines
from embedded.processes import LOCAL, MIGRATE, Process
from embedded.reset import delete_home
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
    print("Starting Postgres, Valkey, the API, workers, beat and Flower ...", flush=True)
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


def where() -> int:
    print("\n".join(Endpoints.read(home_of(os.environ)).lines()))
    return 0


def reset(*, ask: bool) -> int:
    home = home_of(os.environ)
    if ask:
        print(f"Delete {home} with the database, the queue and all files in it? Type yes: ", end="", flush=True)
        if sys.stdin.readline().strip() != "yes":
            print("Nothing is deleted.")
            return 1
    delete_home(home)
    print(f"{home} is deleted.")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m embedded", description=__doc__)
    parser.add_argument("command", choices=("up", "demo", "where", "reset"))
    parser.add_argument("--yes", action="store_true", help="reset without asking")
    options = parser.parse_args(arguments)
    commands: dict[str, Callable[[], int]] = {
        "up": up,
        "demo": demo,
        "where": where,
        "reset": lambda: reset(ask=not options.yes),
    }
    try:
        return commands[options.command]()
    except ServerError as error:
        print(f"reckoner cannot start: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
