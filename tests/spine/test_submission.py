"""Submitting: checked params, unique keys and their policies."""

from datetime import timedelta

import pytest

from core.clock import now
from core.errors import ConflictError, InvalidInputError
from tasks.board import document
from tasks.lifecycle import find
from tasks.submission import Submission, UniquePolicy, checked_params, submit, submit_many, submit_together


def test_wrong_params_are_named_one_by_one(probe):
    with pytest.raises(InvalidInputError) as caught:
        checked_params(probe, {"seconds": "long", "colour": "red"})
    named = {tuple(wrong["loc"]) for wrong in caught.value.details["validation_errors"]}
    assert named == {("params", "seconds"), ("params", "colour")}


def test_an_unknown_kind_is_answered_with_the_known_ones(runtime):
    with pytest.raises(InvalidInputError, match=r"no job kind 'two-sum'; known kinds: .*did you mean 'two_sum'"):
        runtime.registry["two-sum"]


def test_a_unique_key_in_use_is_refused_with_the_job_that_has_it(make_job):
    first = make_job(unique="march")
    with pytest.raises(ConflictError) as caught:
        make_job(unique="march")
    assert caught.value.details["job_id"] == str(first.id)


def test_a_unique_key_is_free_again_when_its_job_has_ended(make_job, claim, lifecycle, probe):
    job = claim(make_job(unique="march").id)
    lifecycle.succeed(job, probe, {}, None, actor="w")
    assert make_job(unique="march").id != job.id


def test_return_existing_answers_with_the_job_that_is_there(make_job):
    first = make_job(unique="march")
    assert make_job(unique="march", unique_policy=UniquePolicy.RETURN_EXISTING).id == first.id


def test_replace_queued_replaces_what_has_not_begun_and_only_that(make_job, claim):
    first = make_job(unique="march")
    second = make_job(unique="march", unique_policy=UniquePolicy.REPLACE_QUEUED)
    assert second.id != first.id
    claim(second.id)
    with pytest.raises(ConflictError, match="running"):
        make_job(unique="march", unique_policy=UniquePolicy.REPLACE_QUEUED)


def test_owners_do_not_share_unique_keys(make_job):
    assert make_job(unique="march", owner="a").id != make_job(unique="march", owner="b").id


_ODD = [
    'say "hi"',
    "back\\slash",
    'both \\" ',
    "{a,b}",
    "NULL",
    "null",
    "",
    "'",
    "%s %(x)s :id",
    "ü\N{SNOWMAN}\t\n",
    "{}",
]


@pytest.mark.parametrize("text", _ODD)
@pytest.mark.parametrize("together", [submit_many, submit_together])
def test_jobs_made_together_are_what_each_would_have_been_alone(runtime, probe, together, text):
    later = now() + timedelta(hours=1)
    facts = [
        {
            "params": {"text": text, "deep": [{text: [text, None, 1.5, 2**70]}]},
            "tags": (text, "x"),
            "owner": f"o {text}",
        },
        {"params": {}, "tags": (), "owner": "me", "run_at": later, "priority": 0, "request_id": text or None},
        {"params": {}, "tags": ("",), "owner": text, "run_at": now() - timedelta(hours=1), "traceparent": "t"},
    ]
    alone, many = ([Submission(kind=probe, **each) for each in facts] for _ in range(2))
    with runtime.db.connect() as connection:
        for one in alone:
            submit(connection, one, published=False)
        options = {"published": False} if together is submit_together else {}
        answered = together(connection, many, **options)
        expected = [_without_moments(find(connection, one.id)) for one in alone]
        assert [_without_moments(find(connection, one.id)) for one in many] == expected
        assert [document(one) for one in answered or ()] == [
            document(find(connection, one.id)) for one in many if answered
        ]


def _without_moments(job):
    own = {"id", "created_at", "updated_at", "queued_at"}
    return {name: value for name, value in job._mapping.items() if name not in own} | {"is_queued": bool(job.queued_at)}
