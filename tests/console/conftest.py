"""A real browser on a real platform; whatever it complains about fails the test."""

import pytest
from playwright.sync_api import sync_playwright

from tests.console.chromium import ARGUMENTS, CHROMIUM
from tests.running import eventually


@pytest.fixture(scope="package")  # while it lives, its event loop runs in this thread, and no other test may have one
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_browser(chromium, platform):
    """Make a browser window; at the end, say what its pages complained about or asked of other hosts."""
    complaints, contexts = [], []

    def make(url=platform.url, *, expects=(), **options):
        context = chromium.new_context(base_url=url, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # a busy machine may take its time

        def heard(message):
            text = message.text
            if message.type in {"error", "warning"} and not any(part in text for part in expects):
                complaints.append(f"{page.url}: {text}")

        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("request", lambda sent: sent.url.startswith(url) or complaints.append(f"asked {sent.url}"))
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_browser):
    return open_browser(viewport={"width": 1280, "height": 900})


@pytest.fixture
def running_job(http):
    """A job that runs until it is stopped."""
    job = http.submit("probe", {"seconds": 100, "effect": False})
    eventually(lambda: http.job(job["id"])["status"] == "running")
    yield job
    http.post(f"/api/v1/jobs/{job['id']}/cancel", json={})
    http.ended(job["id"])
