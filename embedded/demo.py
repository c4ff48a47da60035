"""Have a running platform scan a workbook, watch it, print its answer: `python -m embedded.demo`."""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from data.make_workbooks import make_ledger
from embedded.endpoints import Endpoints
from embedded.errors import ServerError
from embedded.local_settings import home_of

_NUMBERS = {"nums": [2, 7, 11, 15], "target": 9}
_AMOUNTS = {"target": 4000000.01, "column": "Numbers"}
_SETTLED = ["F50000", "F50001"]
_FINAL = {"succeeded", "failed", "cancelled"}
_LONGEST_SECONDS = 60.0
_POLL_SECONDS = 0.1


def run(api: str, console: Console) -> int:
    """0 if both answers are there and right."""
    with requests.Session() as http:
        numbers = _ask(http, api, _NUMBERS, console)
        console.print(f"result: indices {numbers['indices']}, numbers {numbers['numbers']}\n")
        file = _upload(http, api, console)
        amounts = _ask(http, api, {"file": file, **_AMOUNTS}, console)
        report = amounts["report"]
        pair = report["first_pairs"][0]
        spots = [pair["first"], pair["second"]]
        shown = " + ".join(f"{spot['sheet']}!{spot['cell']} {spot['value']}" for spot in spots)
        console.print(f"result: {shown} = {_AMOUNTS['target']}, of {report['rows_read']:,} rows")
        return 0 if numbers["indices"] == [0, 1] and [spot["cell"] for spot in spots] == _SETTLED else 1


def _upload(http: requests.Session, api: str, console: Console) -> str:
    """The id of a workbook that is made for this, the same every time."""
    with tempfile.TemporaryDirectory(prefix="reckoner-") as folder:
        path = make_ledger(Path(folder))
        with path.open("rb") as content:
            sent = http.post(f"{api}/api/v1/files", params={"name": path.name}, data=content, timeout=30)
    sent.raise_for_status()
    file = sent.json()
    console.print(f"POST {api}/api/v1/files  {file['name']}, {file['bytes']:,} bytes: {file['id']}")
    return str(file["id"])


def _ask(http: requests.Session, api: str, params: dict[str, Any], console: Console) -> dict[str, Any]:
    """The result of one two-sum job."""
    question = {"kind": "two_sum", "params": params}
    submitted = http.post(f"{api}/api/v1/jobs", json=question, timeout=10)
    submitted.raise_for_status()
    where = requests.compat.urljoin(api, submitted.headers["Location"])
    console.print(f"POST {api}/api/v1/jobs  {question}\n{submitted.status_code} Accepted, Location: {where}")
    job = _watch(http, where, console)
    if job["status"] != "succeeded":
        raise ServerError(f"the job is {job['status']}: {job.get('error')}")
    result: dict[str, Any] = job.get("result") or http.get(f"{where}/result", timeout=10).json()
    return result


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
