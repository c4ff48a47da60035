"""Make the pictures of the README: `python -m tests.console.screenshots`, on a platform of its own, with real jobs."""

import io
import random
import sys
import tempfile
from contextlib import ExitStack
from datetime import date, timedelta

import openpyxl
from playwright.sync_api import sync_playwright

from embedded.postgres import Postgres
from embedded.valkey import Valkey
from models.migrate import migrate
from tests.console.chromium import ARGUMENTS, CHROMIUM
from tests.running import ROOT, RunningPlatform

FOLDER = ROOT / "docs" / "screenshots"
_DESK, _PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
_OUTSIDE = "http://127.0.0.1:9"  # nothing listens there: the sync at start fails, as it does on bad days


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        postgres, valkey = stack.enter_context(Postgres.throwaway()), stack.enter_context(Valkey.throwaway())
        home = stack.enter_context(tempfile.TemporaryDirectory())
        migrate(postgres.url)
        platform = RunningPlatform(postgres.url, valkey.url, home, extra_kinds="")
        platform.environment["EXTERNAL_API_URL"] = _OUTSIDE
        stack.callback(platform.stop)
        platform.start_worker(wait=False)
        platform.start_beat()
        platform.start_api()
        with platform.client() as http:
            found = _work(http)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            for name, path, options in _pictures(found):
                _take(browser, platform.url, name, path, options)
            browser.close()


def _pictures(found):
    yield "overview", "/console", {"viewport": _DESK}
    yield "overview-dark", "/console", {"viewport": _DESK, "color_scheme": "dark"}
    yield "jobs", "/console/jobs", {"viewport": _DESK}
    yield "job", f"/console/jobs/{found['job']}", {"viewport": _DESK}
    yield "new-job", f"/console/jobs/new/two_sum?file={found['file']}", {"viewport": _DESK}
    yield "audit", "/console/audit", {"viewport": _DESK}
    yield "schedules", "/console/schedules", {"viewport": _DESK}
    yield "phone", f"/console/jobs/{found['job']}", {"viewport": _PHONE, "device_scale_factor": 2}


def _take(browser, url, name, path, options):
    context = browser.new_context(base_url=url, **options)
    page = context.new_page()
    page.goto(path)
    page.wait_for_load_state("networkidle" if "new" in name else "load")
    page.wait_for_timeout(600)
    page.screenshot(path=FOLDER / f"{name}.png")
    context.close()
    sys.stdout.write(f"{FOLDER / name}.png\n")


def _work(http):
    """A clerk's morning: an upload, a few questions, one that fails."""
    content = {"files": {"file": ("open-items-october.xlsx", _ledger())}}
    file = http.post("/api/v1/files", **content).json()
    questions = [
        {"target": "0", "mode": "all", "one_to_one": True},
        {"target": "1250.00", "mode": "best"},
        {"target": "99.99", "mode": "count"},
    ]
    jobs = [
        http.submit("two_sum", {"file": file["id"], "column": "Amount", **_exact(question)}, tags=["month-end"])
        for question in questions
    ]
    arrays = [{"nums": [2, 7, 11, 15, number], "target": 9 + number} for number in range(12)]
    jobs += [http.submit("two_sum", params) for params in arrays]
    for job in jobs:
        http.ended(job["id"], seconds=120)
    _look_after_it(http)
    return {"file": file["id"], "job": jobs[0]["id"]}


def _look_after_it(http):
    """What stands in the audit log."""
    http.post("/api/v1/keys", json={"name": "nightly import", "owner": "etl", "role": "submitter"})
    http.post("/api/v1/queues/heavy/pause", json={"reason": "month end"})
    http.post("/api/v1/queues/heavy/resume")
    http.post("/api/v1/schedules/sync-every-15-minutes/pause")
    http.post("/api/v1/schedules/sync-every-15-minutes/resume")
    http.post("/api/v1/jobs:retry", json={"filter": {"kind": ["sync"], "status": ["failed"]}})
    http.delete("/abacus/sum")


def _exact(question):
    return {**question, "target": float(question["target"])}


def _ledger():
    chance = random.Random(7)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Open items"
    sheet.append(["Document", "Date", "Customer", "Amount"])
    for row in range(240):
        amount = round(chance.uniform(20, 4000), 2)
        day = date(2026, 10, 1) + timedelta(days=row % 30)
        customer = chance.choice(["Acme", "Brightwater", "Corvid & Sons", "Delta Foods"])
        sheet.append([f"INV-{4100 + row}", day, customer, amount])
        if row % 6 == 0:
            sheet.append([f"PAY-{900 + row}", day + timedelta(days=9), customer, -amount])
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


if __name__ == "__main__":
    main()
