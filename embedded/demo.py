"""Send one job to a running platform, watch it, print its answer: `python -m embedded.demo`."""

import os
import sys
import time
from typing import Any

import requests
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from embedded.endpoints import Endpoints
from embedded.errors import ServerError
from embedded.local_settings import home_of

_QUESTION = {"kind": "two_sum", "params": {"nums": [2, 7, 11, 15], "target": 9}}
_FINAL = {"succeeded", "failed", "cancelled"}
_LONGEST_SECONDS = 60.0
_POLL_SECONDS = 0.1


def run(api: str, console: Console) -> int:
    """0 if the answer is there and right."""
    with requests.Session() as http:
        submitted = http.post(f"{api}/api/v1/jobs", json=_QUESTION, timeout=10)
        submitted.raise_for_status()
        console.print(f"POST {api}/api/v1/jobs  {_QUESTION}")
        where = requests.compat.urljoin(api, submitted.headers["Location"])
        console.print(f"{submitted.status_code} Accepted, Location: {where}")
        job = _watch(http, where, console)
        console.print(f"status: {job['status']}")
        if job["status"] != "succeeded":
            console.print(job)
            return 1
        result = job.get("result") or http.get(f"{where}/result", timeout=10).json()
        console.print(f"result: {result}")
        return 0 if result["indices"] == [0, 1] else 1


def _watch(http: requests.Session, where: str, console: Console) -> dict[str, Any]:
    bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console, transient=False)
    with bar:
        shown = bar.add_task("submitted", total=None)
        deadline = time.monotonic() + _LONGEST_SECONDS
        while True:
            job: dict[str, Any] = http.get(where, timeout=10).json()
            progress = job.get("progress") or {}
            is_final = job["status"] in _FINAL
            total = progress.get("total") or (1 if is_final else None)
            done = total if is_final else progress.get("done")
            bar.update(shown, description=job["status"], total=total, completed=done or 0)
            if is_final or time.monotonic() > deadline:
                return job
            time.sleep(_POLL_SECONDS)


def main() -> int:
    console = Console(highlight=False, soft_wrap=True)
    try:
        endpoints = Endpoints.read(home_of(os.environ))
        code = run(endpoints.api, console)
    except (requests.RequestException, ServerError) as error:
        console.print(f"the demo failed: {error}")
        return 1
    console.print("\nWhile `make up` runs, these are open:", *endpoints.lines(), sep="\n  ")
    return code


if __name__ == "__main__":
    sys.exit(main())
