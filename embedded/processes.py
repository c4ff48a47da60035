"""The platform's processes and their exact commands, for `make up` and for docker-compose.yml alike."""

from dataclasses import dataclass

# Quiet: a banner of forty lines at each start would bury the log.
_CELERY = ("python", "-m", "celery", "--quiet", "-A", "workers.entry")
_WORKER_OPTIONS = (
    # Workers owe each other nothing, state is in Postgres; asking the others costs a second at each start.
    "--without-mingle",
    # Nor do they follow each other's events; each would read what all the others say.
    "--without-gossip",
)


@dataclass(frozen=True)
class Process:
    """`command` starts with `python`: the interpreter that runs the platform."""

    name: str
    command: tuple[str, ...]
    # What no job needs starts when jobs can run, and doesn't take time from what they do need.
    is_needed_by_jobs: bool = True


def _worker(queue: str, *options: str) -> Process:
    """Long jobs never keep short ones waiting: each queue has its own group, whose name tells it apart in Flower."""
    name = f"worker-{queue}"
    return Process(name, (*_CELERY, "worker", "-Q", queue, "-n", f"{name}@%h", *_WORKER_OPTIONS, *options))


MIGRATE = Process("migrate", ("python", "-m", "models.migrate"))
API = Process("api", ("python", "-m", "api"))
QUICK_WORKER = _worker("quick")
HEAVY_WORKER = _worker("heavy")
# A heavy job takes the cores and the memory of a desk for itself, so the next one waits.
ONE_HEAVY = _worker("heavy", "--concurrency", "1")
# Due times are rows in Postgres, so beat needs no file of its own that could be locked or torn.
BEAT = Process("beat", (*_CELERY, "beat", "--scheduler", "workers.beat:RowScheduler"), is_needed_by_jobs=False)
# Address, port and credentials come from FLOWER_*: a command line can be read by everybody.
FLOWER = Process("flower", (*_CELERY, "flower", "--logging=warning"), is_needed_by_jobs=False)

LOCAL = (API, QUICK_WORKER, ONE_HEAVY, BEAT, FLOWER)
DEPLOYED = (MIGRATE, API, QUICK_WORKER, HEAVY_WORKER, BEAT, FLOWER)
