"""The filter bar's language."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from api.console.filter_bar import understood
from core.clock import now
from core.errors import InvalidInputError

KINDS = ("two_sum", "etl")


def fields(text):
    return understood(text, me="ada", kinds=KINDS).fields


def test_the_words_of_the_example_are_understood():
    found = fields("kind:two_sum status:failed age<1d tag:month-end owner:me")
    day_ago = found.pop("created_after")
    assert found == {"kind": ["two_sum"], "status": ["failed"], "tag": ["month-end"], "owner": "ada"}
    assert abs(day_ago - (now() - timedelta(days=1))) < timedelta(seconds=5)


def test_several_values_add_up_and_groups_of_statuses_have_names():
    assert fields("status:failed,cancelled kind:two_sum,etl")["status"] == ["failed", "cancelled"]
    assert fields("status:open")["status"] == ["scheduled", "queued", "running", "retrying"]
    assert fields("status:ended")["status"] == ["succeeded", "failed", "cancelled"]
    assert fields('tag:"month end" tag:acme')["tag"] == ["month end", "acme"]


def test_a_day_is_a_day_and_older_is_before():
    found = fields("created:2026-11-20")
    assert found["created_before"] == datetime(2026, 11, 21, tzinfo=UTC)
    assert found["created_after"] < datetime(2026, 11, 20, tzinfo=UTC) < found["created_before"]
    assert fields("age>2h")["created_before"] < now()


def test_an_id_alone_names_a_job():
    wanted = uuid4()
    assert understood(f" {wanted} ", me="ada", kinds=KINDS).job_id == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stat:failed", "did you mean status:"),
        ("kind:two_sums", "did you mean two_sum"),
        ("status:broken", "there are:"),
        ("failed", "write status:failed"),
        ("etl", "write kind:etl"),
        ("acme", "tag:acme"),
        ("age:1d", "age<1d"),
        ("age<1x", "age<1d"),
        ("age<99999999999999w", "longer ago than there are dates"),
        ("created>soon", "created>2026-11-01"),
        ("parent:7", "job's id"),
        ("kind<two_sum", "takes a colon"),
    ],
)
def test_what_is_not_understood_is_named_with_a_way_out(text, said):
    with pytest.raises(InvalidInputError, match="(?i)" + said.replace("(", r"\(")):
        fields(text)
