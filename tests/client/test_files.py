"""Files up and down: uploaded where a param names one, saved whole or not at all."""

import hashlib
import json
from pathlib import Path

import openpyxl
import pytest

from reckoner import ReckonerError
from reckoner.moving_files import save
from reckoner.problems import MissingError


@pytest.fixture
def workbook(tmp_path):
    path = tmp_path / "open items.xlsx"
    book = openpyxl.Workbook()
    for row in (("Numbers", "Customer"), (120.5, "A"), (79.5, "A"), (11, "B"), (0.1, "B"), (0.2, "C")):
        book.active.append(row)
    book.save(path)
    return path


def test_a_path_among_the_params_is_uploaded(reckoner, workbook):
    job = reckoner.submit("two_sum", file=workbook, column="Numbers", target=200).wait(60)
    assert job.result["indices"] == [0, 1]
    file = reckoner.file(job.params["file"])
    assert (file.name, file.bytes) == ("open items.xlsx", workbook.stat().st_size)


def test_an_upload_tells_how_far_it_is(reckoner, workbook):
    told = []
    file = reckoner.upload(workbook, progress=lambda sent, total: told.append((sent, total)))
    size = workbook.stat().st_size
    assert told[-1] == (size, size)
    assert file.sha256 == hashlib.sha256(workbook.read_bytes()).hexdigest()
    reckoner.delete_file(file.id)
    with pytest.raises(MissingError):
        reckoner.file(file.id)


def test_the_command_uploads_asks_and_saves_what_the_job_made(command, workbook, tmp_path):
    ran = command("submit", "two_sum", "--file", workbook, "--target", "200", "--mode", "all", "--json")
    assert ran.code == 0, ran.err
    job = json.loads(ran.out)
    assert job["result"]["report"]["pairs"] == 1
    listed = json.loads(command("artifacts", job["id"], "--json").out)
    assert "pairs.csv" in [artifact["name"] for artifact in listed]
    folder = tmp_path / "saved"
    folder.mkdir()
    assert command("artifacts", job["id"], "--save", folder).code == 0
    for artifact in listed:
        assert hashlib.sha256((folder / artifact["name"]).read_bytes()).hexdigest() == artifact["sha256"]
    refused = command("artifacts", job["id"], "no.csv")
    assert refused.code == 2
    assert "pairs.csv" in refused.err


def test_an_estimate_makes_no_job(command, reckoner, workbook):
    before = len(list(reckoner.jobs(kind="two_sum")))
    ran = command("submit", "two_sum", "--file", workbook, "--target", "200", "--estimate")
    assert json.loads(ran.out)["kind"] == "two_sum"
    assert len(list(reckoner.jobs(kind="two_sum"))) == before


def test_files_are_uploaded_listed_shown_and_deleted(command, workbook):
    file_id = command("files", "upload", workbook).out.strip()
    assert file_id in command("files").out
    assert "open items.xlsx" in command("files", "show", file_id).out
    assert command("files", "delete", file_id).code == 0
    assert command("files", "show", file_id).code == 6


class Answer:
    def __init__(self, body, sha256):
        self.headers = {"X-Content-SHA256": sha256}
        self._body = body

    def iter_content(self, _):
        yield from self._body


def test_a_download_that_is_not_what_it_should_be_leaves_no_file(tmp_path):
    target = tmp_path / "pairs.csv"
    with pytest.raises(ReckonerError, match="arrived damaged"):
        save(Answer([b"half"], hashlib.sha256(b"half and half").hexdigest()), target, None)
    assert list(tmp_path.iterdir()) == []


def test_an_artifact_is_saved_under_a_name_of_ones_own(reckoner, workbook, tmp_path):
    job = reckoner.submit("two_sum", file=workbook, target=200, mode="all").wait(60)
    name = job.artifacts()[0].name
    path = job.download(name, tmp_path / "mine")
    assert path == Path(tmp_path / "mine")
    assert path.stat().st_size == job.artifacts()[0].bytes
