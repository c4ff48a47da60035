"""People at work, in a real Chromium."""

import io
import re

import openpyxl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.running import eventually

pytestmark = pytest.mark.browser


def status_of(page):
    return page.locator("#job .job-line .status")


def test_submit_watch_and_read_the_pair(page):
    page.goto("/console")
    page.get_by_role("link", name="New job").first.click()
    page.get_by_role("link", name="Two-sum scan").click()
    page.get_by_label("Nums").fill("2, 7, 11, 15")
    page.get_by_label("Target", exact=True).fill("9")
    page.get_by_role("button", name="Submit").click()
    expect(status_of(page)).to_have_text("succeeded")
    result = page.locator("section", has=page.get_by_role("heading", name="Result"))
    expect(result).to_contain_text("Numbers")
    expect(result.locator(".words").nth(1)).to_have_text("27")
    expect(page.locator(".timeline")).to_contain_text("Submitted")
    expect(page.locator(".timeline")).to_contain_text("Succeeded")


def test_bring_a_workbook_choose_from_what_is_there_and_open_the_working_paper(page, tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Other"
    sheet = book.create_sheet("Open items")
    for row in (("Invoice", "Amount"), ("A-1", 250.10), ("A-2", 99.5), ("A-3", 149.9), ("A-4", 3)):
        sheet.append(row)
    book.save(tmp_path / "ledger.xlsx")
    page.goto("/console/jobs/new/two_sum")
    page.get_by_label("Bring a file").set_input_files(tmp_path / "ledger.xlsx")
    expect(page.locator("#field-file option:checked")).to_contain_text("ledger.xlsx")
    page.locator("#field-sheet").fill("Open items")
    page.locator("#field-sheet").press("Tab")
    expect(page.locator("#preview")).to_contain_text("A-3")
    offered = page.locator("#offered-columns option").evaluate_all("all => all.map(one => one.value)")
    assert offered == ["Invoice", "Amount"]
    page.locator("#field-column").fill("Amount")
    page.get_by_label("Target", exact=True).fill("400")
    page.get_by_label("Mode").select_option("all")
    page.get_by_role("button", name="Submit").click()
    expect(status_of(page)).to_have_text("succeeded", timeout=60_000)
    expect(page.locator("#job table").first).to_contain_text("B2")
    with page.expect_download() as download:
        page.get_by_role("link", name="working-paper.xlsx").click()
    paper = openpyxl.load_workbook(io.BytesIO(download.value.path().read_bytes()))
    assert paper.sheetnames


def test_a_wrong_number_is_said_beside_its_field_and_nothing_typed_is_lost(open_browser):
    page = open_browser(expects=["422"])
    page.goto("/console/jobs/new/two_sum")
    page.get_by_label("Nums").fill("2 7 eleven")
    page.get_by_label("Target", exact=True).fill("9")
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("#field-nums-error")).to_contain_text("Entry 3")
    expect(page.get_by_label("Nums")).to_have_value("2 7 eleven")
    page.get_by_label("Nums").fill("2 7 11")
    page.get_by_role("button", name="Submit").click()
    expect(status_of(page)).to_have_text("succeeded")


def test_a_running_job_shows_its_progress_and_is_cancelled_with_a_reason(page, running_job):
    page.goto(f"/console/jobs/{running_job['id']}")
    bar = page.locator("#job progress[value]")
    first = float(bar.get_attribute("value"))
    eventually(lambda: float(bar.get_attribute("value")) > first)
    expect(page.locator("#job")).to_contain_text("left")
    page.get_by_text("Cancel…").click()
    page.get_by_label("Reason").fill("wrong file")
    page.wait_for_timeout(1500)  # a live update comes by
    expect(page.get_by_label("Reason")).to_have_value("wrong file")
    page.get_by_role("button", name="Cancel this job").click()
    expect(status_of(page)).to_have_text("cancelled")
    expect(page.locator("#job")).to_contain_text("wrong file")


def test_a_failed_job_is_edited_and_run_again(page, http):
    failed = http.submit("probe", {"fail": "permanent", "fail_until_attempt": 1})
    http.ended(failed["id"])
    page.goto(f"/console/jobs/{failed['id']}")
    expect(page.locator("#job .note.is-bad")).to_contain_text("This can never work")
    page.get_by_role("link", name="Edit and run again").click()
    page.get_by_label("Fail", exact=True).select_option("")
    page.get_by_role("button", name="Submit").click()
    expect(status_of(page)).to_have_text("succeeded")
    assert page.url.rpartition("/")[2] != failed["id"]
    expect(page.locator("#job")).to_contain_text("Repeats")


def test_a_double_click_makes_one_job(page, http):
    page.goto("/console/jobs/new/echo")
    page.get_by_label("Words").fill("only once")
    page.get_by_text("When and how").click()
    page.get_by_label("Tags").fill("double-click")
    page.get_by_role("button", name="Submit").dblclick()
    expect(status_of(page)).to_have_text("succeeded")
    assert len(http.get("/api/v1/jobs?tag=double-click").json()["data"]) == 1


def test_the_list_is_filtered_by_words_that_stay_in_the_address(page, http):
    made = http.submit("echo", {"words": "found"}, tags=["needle"])
    page.goto("/console/jobs")
    page.keyboard.press("/")
    page.keyboard.type("tag:needle kind:echo")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=tag%3Aneedle"))
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name=f"Job {made['id']}").click()
    expect(page.locator("h1")).to_have_text("Echo")


def test_new_jobs_appear_and_ticks_stay(page, http):
    http.submit("echo", {"words": "one"}, tags=["live"])
    page.goto("/console/jobs?q=tag:live")
    page.locator("tbody input[type=checkbox]").first.check()
    http.submit("echo", {"words": "two"}, tags=["live"])
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody input:checked")).to_have_count(1)
    expect(page.locator("[data-ticked]")).to_have_text("(1)")


def test_all_that_match_are_cancelled_after_a_count(page, http):
    later = {"run_at": "2100-01-01T00:00:00Z", "tags": ["bulk"]}
    for _ in range(3):
        http.submit("echo", {"words": "later"}, **later)
    page.goto("/console/jobs?q=tag:bulk")
    page.get_by_label("all that match").check()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("h1")).to_have_text("Cancel 3 jobs?")
    page.get_by_label("Reason").fill("month closed")
    page.get_by_role("button", name="Cancel 3").click()
    expect(page.locator("h1")).to_contain_text("3 jobs cancelled")
    jobs = http.get("/api/v1/jobs?tag=bulk").json()["data"]
    assert [(job["status"], job["cancel_reason"]) for job in jobs] == [("cancelled", "month closed")] * 3


def test_a_queue_is_paused_and_resumed(page, http):
    page.goto("/console/queues")
    page.get_by_label("Reason for pausing quick").fill("maintenance")
    page.get_by_role("button", name="Pause quick").click()
    expect(page.locator("#queues")).to_contain_text("maintenance")
    job = http.submit("echo", {"words": "wait"})
    page.goto(f"/console/jobs/{job['id']}")
    expect(page.locator("#job")).to_contain_text("is paused by local")
    page.goto("/console/queues")
    page.get_by_role("button", name="Resume quick").click()
    assert http.ended(job["id"])["status"] == "succeeded"
    page.locator("#queues section", has_text="quick").get_by_role("link", name="Audit log").click()
    rows = page.locator("tbody tr")
    expect(rows.nth(0)).to_contain_text("Queue resumed")
    expect(rows.nth(1)).to_contain_text("Queue paused")
    expect(rows.nth(1)).to_contain_text("maintenance")


def test_a_ledger_is_loaded_its_rejects_mended_and_loaded_again(page, tmp_path):
    head = "id,name,company_id,amount,status,created_at,paid_at\n"
    row = "{id},Acme,c1,{amount},paid,2026-10-0{day},2026-10-09\n"
    dirty = head + row.format(id="a1", amount="10.50", day=1) + row.format(id="a2", amount="-3", day=2)
    load_file(page, tmp_path / "october.csv", dirty)
    page.goto("/console/etl")
    page.get_by_role("link", name="october.csv").first.click()
    expect(page.locator("main")).to_contain_text("Amount not positive")
    with page.expect_download() as download:
        page.get_by_role("link", name="Rejects as CSV").click()
    rejects = download.value.path().read_text()
    assert "a2" in rejects
    assert "a1" not in rejects
    load_file(page, tmp_path / "october-rejects.csv", rejects.replace("'-3", "3").replace(",-3,", ",3,"))
    page.goto("/console/etl")
    page.get_by_role("link", name="october-rejects.csv").first.click()
    expect(page.locator("main")).to_contain_text("No row was rejected")
    page.goto("/console/reports?from=2026-10-01&to=2026-10-31&company=c1")
    expect(page.locator("main")).to_contain_text("10.50")
    expect(page.locator("main")).to_contain_text("3.00")


def load_file(page, path, text):
    path.write_text(text)
    page.goto("/console/jobs/new/etl")
    page.get_by_label("Bring a file").set_input_files(path)
    expect(page.locator("#field-file option:checked")).to_contain_text(path.name)
    page.get_by_role("button", name="Submit").click()
    expect(status_of(page)).to_have_text("succeeded", timeout=90_000)


def test_a_sum_is_added_to_and_a_number_is_taken_out_once(open_browser):
    page = open_browser(expects=["404"])  # a set that is not there yet is offered to be made
    page.goto("/console/sums?name=till")
    page.get_by_label("Add a number").fill("1,250")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".tile-figure").first).to_have_text("1,250")
    page.goto("/console/number-sets?name=raffle")
    page.get_by_label("Make it with the numbers 1 to").fill("10")
    page.get_by_role("button", name="Make it").click()
    for said in ("Successfully extracted number 7", "already"):
        page.get_by_label("Take out a number").fill("7")
        page.get_by_role("button", name="Take out").click()
        expect(page.locator("main .note")).to_contain_text(said)
    expect(page.locator(".numbers .is-out")).to_have_text("7")
    page.get_by_placeholder("who took number…").fill("7")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("region", name="History").locator("tbody tr")).to_contain_text(["local"])
    page.get_by_role("link", name="Number sets").last.click()
    expect(page.get_by_role("row", name="raffle")).to_contain_text("9")


def test_the_keyboard_alone_is_enough(page, http):
    job = http.submit("echo", {"words": "keys"}, tags=["keyboard"])
    page.goto("/console")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("j")
    expect(page.locator("h1")).to_have_text("Jobs")
    page.keyboard.press("/")
    page.keyboard.type(job["id"])
    page.keyboard.press("Enter")
    expect(status_of(page)).to_have_text("succeeded")
    page.keyboard.press("n")
    expect(page.locator("h1")).to_have_text("New job")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()


def test_reading_and_submitting_work_without_scripts(open_browser):
    page = open_browser(java_script_enabled=False)
    page.goto("/console/jobs/new/echo")
    page.get_by_label("Words").fill("no scripts here")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(re.compile(r"/console/jobs/[0-9a-f-]{36}$"))
    eventually(lambda: page.reload() and "succeeded" in status_of(page).text_content())
    expect(page.locator("#job")).to_contain_text("no scripts here")


def test_light_and_dark_follow_the_system_and_the_switch(open_browser):
    page = open_browser(color_scheme="dark")
    page.goto("/console")
    ground = "getComputedStyle(document.body.parentElement).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Light or dark").click()
    light = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == light


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/jobs",
        "/jobs/new/two_sum",
        "/files",
        "/items",
        "/analytics",
        "/orders",
        "/charges",
        "/sums/default",
        "/queues",
        "/audit",
        "/keys",
    ],
)
def test_no_page_is_wider_than_a_phone(open_browser, path, http):
    http.submit("echo", {"words": "w" * 300}, tags=["a-tag"])
    http.post("/api/v1/keys", json={"name": "nightly load", "owner": "etl", "role": "submitter"})
    page = open_browser(viewport={"width": 360, "height": 740})
    page.goto(f"/console{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [
        "",
        "?period=day",
        "/jobs",
        "/jobs?q=tag:axe",
        "/jobs/new",
        "/jobs/new/two_sum",
        "/jobs/new/probe?as=json",
        "/files",
        "/etl",
        "/reports",
        "/schedules",
        "/items",
        "/items/new",
        "/analytics",
        "/orders",
        "/charges",
        "/companies?name=nobody",
        "/sums/default",
        "/number-sets",
        "/number-sets/default",
        "/queues",
        "/audit",
        "/doctor",
        "/keys",
        "/sign-in",
    ],
)
def test_axe_finds_nothing_on_the_pages(open_browser, path, scheme, http):
    http.submit("echo", {"words": "=1+1"}, tags=["axe"])
    assert_accessible(open_browser(color_scheme=scheme), f"/console{path}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_jobs_in_any_state(open_browser, scheme, http, running_job):
    page = open_browser(color_scheme=scheme)
    failed = http.submit("probe", {"fail": "permanent", "fail_until_attempt": 1})
    later = http.submit("echo", {"words": "later"}, run_at="2100-01-01T00:00:00Z")
    http.ended(failed["id"])
    for job in (running_job, failed, later):
        assert_accessible(page, f"/console/jobs/{job['id']}")


def assert_accessible(page, address):
    page.goto(address)
    found = Axe().run(page)
    wrong = [
        (each["id"], each["impact"], [node["html"] for node in each["nodes"]]) for each in found.response["violations"]
    ]
    assert wrong == []
