"""The Python client and the `reckoner` command; imports nothing of the server.

from reckoner import Reckoner
job = Reckoner("http://127.0.0.1:8000").submit("two_sum", nums=[2, 7, 11, 15], target=9).wait()
print(job.result)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .problems import (
        JobCancelledError,
        JobEndedError,
        JobFailedError,
        ProblemError,
        ReckonerError,
        UnreachableError,
        WaitTimeoutError,
    )
    from .records import Event, Job, JobStatus, Progress
    from .results import TwoSumResult
    from .sdk import Options, Reckoner

__version__ = "0.1.0"

__all__ = [
    "Event",
    "Job",
    "JobCancelledError",
    "JobEndedError",
    "JobFailedError",
    "JobStatus",
    "Options",
    "ProblemError",
    "Progress",
    "Reckoner",
    "ReckonerError",
    "TwoSumResult",
    "UnreachableError",
    "WaitTimeoutError",
    "__version__",
]

_HOMES = {
    **dict.fromkeys(("Reckoner", "Options"), "sdk"),
    **dict.fromkeys(("Job", "JobStatus", "Event", "Progress"), "records"),
    **dict.fromkeys(("TwoSumResult",), "results"),
}


def __getattr__(name: str) -> Any:
    """Load a name when it is asked for: `reckoner --help` must not wait for an HTTP library."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES.get(name, 'problems')}", __name__), name)
