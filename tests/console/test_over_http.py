"""What the console promises to any client: headers, sessions, exports, one way for all."""

import csv
import io
import re
from uuid import uuid4

import openpyxl
import pytest
import requests

from tests.running import Client

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_browser_that_opens_the_root_is_sent_to_the_console_and_others_are_not(http):
    sent = http.get("/", headers=HTML, allow_redirects=False)
    assert (sent.status_code, sent.headers["Location"]) == (303, "/console")
    assert http.get("/").json()["service"] == "reckoner"
    assert http.get("/", headers={"Accept": "application/json"}).json()["endpoints"]["console"] == "/console"


def test_pages_may_load_nothing_but_our_own_files_and_run_nothing_inline(http):
    page = http.get("/console")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|<style", page.text)
    assert page.headers["Cache-Control"] == "no-store"
    for address in re.findall(r'(?:src|href)="(/console/static/[^"]+)"', page.text):
        found = http.get(address)
        assert found.status_code == 200
        assert "immutable" in found.headers["Cache-Control"]
        assert "default-src 'none'" in found.headers["Content-Security-Policy"]


def test_errors_are_pages_in_words(http):
    missing = http.get(f"/console/jobs/{uuid4()}")
    assert missing.status_code == 404
    assert "text/html" in missing.headers["Content-Type"]
    assert "No job" in missing.text
    assert http.get("/console/nowhere").status_code == 404
    assert http.get("/console/jobs/not-an-id").status_code == 404
    wrong = http.get("/console/jobs?q=stat:failed")
    assert wrong.status_code == 422
    assert "did you mean status:" in wrong.text
    assert http.get("/console/jobs/new/two-sum").status_code == 404
    assert http.post("/console/jobs/act", data={"action": "explode"}).status_code == 422
    assert http.post("/console/jobs/act", data={"action": "cancel", "scope": "all"}).status_code == 422


def test_exports_carry_no_formulas(http):
    http.submit("echo", {"words": "=HYPERLINK(1)"}, tags=["=cmd|' /C calc'!A0", "export"])
    http.submit("echo", {"words": "two"}, tags=["export"])
    text = http.get("/console/jobs.csv?q=tag:export").content.decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["kind"] for row in rows] == ["echo", "echo"]
    assert rows[1]["tags"].startswith("'=cmd")
    book = openpyxl.load_workbook(io.BytesIO(http.get("/console/jobs.xlsx?q=tag:export").content))
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert any("HYPERLINK" in str(cell.value) for cell in cells)
    assert http.get("/console/jobs.csv?q=stat:x").status_code == 422


def test_tables_of_the_business_have_pages_and_keep_what_was_asked(http):
    http.post("/api/v1/orders", json={"customer_id": 7, "amount": "12.50", "status": "PAID"})
    page = http.get("/console/orders?customer_id=7&status=PAID").text
    assert "12.50" in page
    assert "No order fits" in http.get("/console/orders?customer_id=7&status=CANCELLED").text
    assert http.get("/console/orders?customer_id=seven").status_code == 422
    for path in ("/console/charges?company_id=nobody&status=paid", "/console/companies?name=nobody"):
        assert "fits" in http.get(path).text or "has this name" in http.get(path).text
    file = http.get("/console/charges.csv?status=paid")
    assert file.text.splitlines()[0] == "id,company_id,amount,status,created_at,updated_at"


def test_a_job_names_the_file_it_reads(http):
    file = http.post("/api/v1/files?name=march.csv", data=b"Numbers\n1\n2\n").json()
    job = http.submit("two_sum", {"file": file["id"], "column": "Numbers", "target": 3})
    http.ended(job["id"])
    assert f'<a href="/console/files/{file["id"]}">march.csv</a>' in http.get(f"/console/jobs/{job['id']}").text
    http.delete(f"/api/v1/files/{file['id']}")
    assert http.get(f"/console/jobs/{job['id']}").status_code == 200


def test_an_export_goes_on_past_its_first_page(http):
    for _ in range(3):
        http.submit("echo", {"words": "many"}, tags=["paged"])
    from api.console import export

    asked = []

    def listed(_, cursor, limit):
        asked.append(limit)
        return http.get(f"/api/v1/jobs?tag=paged&limit=2{f'&cursor={cursor}' if cursor else ''}").json()

    assert len(list(export.rows(listed, ""))) == 3
    assert len(asked) == 2


def test_the_form_key_makes_a_repeated_submit_harmless(http):
    form = {"words": "once", "tags": "form-key", "once": str(uuid4())}
    first = http.post("/console/jobs/new/echo", data=form, allow_redirects=False)
    second = http.post("/console/jobs/new/echo", data=form, allow_redirects=False)
    assert first.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert len(http.get("/api/v1/jobs?tag=form-key").json()["data"]) == 1


def test_script_in_data_is_shown_and_not_run(http):
    job = http.submit("echo", {"words": "<script>alert(1)</script>"}, tags=["<b>bold</b>"])
    http.ended(job["id"])
    text = http.get(f"/console/jobs/{job['id']}").text + http.get("/console/jobs").text
    assert "<script>alert" not in text
    assert "<b>bold" not in text


@pytest.fixture(scope="module")
def guarded(platform):
    """A second node of the platform, which asks for keys."""
    url = platform.start_api("guarded", RECKONER_REQUIRE_KEYS="true", RECKONER_BOOTSTRAP_KEY="rk_admin-of-tests")
    yield url
    platform.kill("guarded", 15)
    platform.wait_gone("guarded")


@pytest.fixture
def make_key(guarded):
    def make(owner, role):
        admin = Client(guarded, "rk_admin-of-tests")
        return admin.post("/api/v1/keys", json={"name": "test", "owner": owner, "role": role}).json()["key"]

    return make


def signed_in(url, key):
    client = Client(url)
    client.headers["Origin"] = url
    answer = client.post("/console/sign-in", data={"key": key, "next": "/console/jobs"}, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/jobs")
    return client, answer.headers["Set-Cookie"]


def test_without_a_key_everything_but_the_sign_in_page_is_closed(guarded):
    client = Client(guarded)
    sent = client.get("/console/jobs?q=status:failed", allow_redirects=False)
    assert sent.status_code == 303
    assert sent.headers["Location"] == "/console/sign-in?next=%2Fconsole%2Fjobs%3Fq%3Dstatus%3Afailed"
    assert client.get(sent.headers["Location"]).status_code == 200
    assert client.post("/console/sign-in", data={"key": "rk_wrong"}).status_code == 401
    assert client.post("/console/queues/quick/pause", data={}, allow_redirects=False).status_code == 303
    assert client.get("/api/v1/queues").status_code == 401


def test_a_session_is_a_cookie_that_no_script_reads_and_no_other_site_sends(guarded, make_key):
    key = make_key("ada", "submitter")
    client, cookie = signed_in(guarded, key)
    assert {"HttpOnly", "SameSite=Strict", "Path=/console"} <= {part.strip() for part in cookie.split(";")}
    assert key not in cookie
    assert client.get("/console/jobs").status_code == 200
    # The API itself knows no cookies.
    assert client.get("/api/v1/jobs", headers={"Cookie": cookie.split(";")[0]}).status_code == 401
    form = {"words": "from a form"}
    for origin in ("http://evil.example", "null", ""):
        refused = client.post("/console/jobs/new/echo", data=form, headers={"Origin": origin})
        assert refused.status_code == 403
    assert client.post("/console/jobs/new/echo", data=form, allow_redirects=False).status_code == 303
    client.post("/console/sign-out", data={})
    assert client.get("/console/jobs", allow_redirects=False).status_code == 303


def test_a_forged_or_changed_cookie_opens_nothing(guarded, make_key):
    _, cookie = signed_in(guarded, make_key("ada", "submitter"))
    value = cookie.split(";")[0]
    for forged in (value[:-2], value + "x", "reckoner_session=", "reckoner_session=.."):
        answer = requests.get(f"{guarded}/console/jobs", headers={"Cookie": forged}, allow_redirects=False, timeout=10)
        assert answer.status_code == 303


def test_owners_stay_apart_and_roles_hold_in_the_console_too(guarded, make_key):
    ada, _ = signed_in(guarded, make_key("ada", "submitter"))
    bob, _ = signed_in(guarded, make_key("bob", "submitter"))
    eve, _ = signed_in(guarded, make_key("eve", "viewer"))
    made = ada.post("/console/jobs/new/echo", data={"words": "secret of ada"}, allow_redirects=False)
    address = made.headers["Location"]
    assert ada.get(address).status_code == 200
    assert bob.get(address).status_code == 404
    assert address.rpartition("/")[2] not in bob.get("/console/jobs").text
    assert bob.get(f"/console/jobs/new/echo?from={address.rpartition('/')[2]}").status_code == 404
    assert bob.post(f"{address}/cancel", data={}).status_code == 404
    assert bob.post("/console/queues/quick/pause", data={}).status_code == 403
    assert bob.get("/console/keys").status_code == 403
    assert eve.get("/console/jobs").status_code == 200
    assert eve.get("/console/jobs/new/echo").status_code == 403
    assert eve.post("/console/jobs/new/echo", data={"words": "x"}).status_code == 403
    assert 'href="/console/jobs/new"' not in eve.get("/console").text


def test_the_sign_in_page_leads_nowhere_else(guarded, make_key):
    key = make_key("ada", "submitter")
    for aim in ("https://evil.example", "//evil.example", "/console//evil.example", "/console\\evil", "/consolex"):
        client = Client(guarded)
        sent = client.post("/console/sign-in", data={"key": key, "next": aim}, allow_redirects=False)
        assert sent.headers["Location"] == "/console"


def test_a_new_key_is_shown_once(guarded):
    admin, _ = signed_in(guarded, "rk_admin-of-tests")
    page = admin.post("/console/keys", data={"name": "import", "owner": "nightly", "role": "submitter"})
    key = re.search(r"rk_[A-Za-z0-9_-]{20,}", page.text)[0]
    assert Client(guarded, key).get("/api/v1/jobs").status_code == 200
    again = admin.get("/console/keys").text
    assert key not in again
    assert "nightly" in again
    assert admin.post("/console/keys", data={"name": "", "owner": "a b", "role": "king"}).status_code == 422


def test_statistics_count_what_ended_for_those_who_may_see_it(guarded, make_key):
    ada = Client(guarded, make_key("stat-ada", "submitter"))
    job = ada.submit("probe", {"fail": "permanent", "fail_until_attempt": 1})
    ada.ended(job["id"])
    found = ada.get("/api/v1/statistics/jobs?period=day").json()
    assert sum(step["failed"] for step in found["steps"]) == 1
    assert found["kinds"][0]["last_failed_id"] == job["id"]
    assert len(found["steps"]) == 96
    stranger = Client(guarded, make_key("stat-bob", "submitter"))
    assert stranger.get("/api/v1/statistics/jobs?period=day").json()["kinds"] == []
    assert stranger.get("/api/v1/statistics/jobs?period=year").status_code == 422
