"""`POST /two_sum` as the clients of the older service know it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.two_sum.pairs import first_pair


def test_the_textbook_example(http):
    answer = http.post("/two_sum", json={"nums": [2, 7, 11, 15], "target": 9})
    assert (answer.status_code, answer.json()) == (200, {"indices": [0, 1], "numbers": [2, 7]})


def test_the_partner_is_the_last_earlier_one(http):
    assert http.post("/two_sum", json={"nums": [1, 1, 5], "target": 6}).json()["indices"] == [1, 2]


def test_money_is_exact(http):
    assert http.post("/two_sum", json={"nums": [0.1, 5, 0.2], "target": 0.3}).json()["numbers"] == [0.1, 0.2]


def test_the_same_question_gets_the_same_body(http):
    body = {"nums": [4, 5, 6], "target": 11}
    assert http.post("/two_sum", json=body).content == http.post("/two_sum", json=body).content


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"target": 9}, "Invalid input array"),
        ({"nums": "2,7", "target": 9}, "Invalid input array"),
        ({"nums": [2], "target": 9}, "Invalid input array"),
        ({"nums": [2, "7"], "target": 9}, "Invalid input array"),
        ({"nums": [2, True], "target": 9}, "Invalid input array"),
        ({"nums": [2, None], "target": 9}, "Invalid input array"),
        ({"nums": [2, 7]}, "Target must be an integer"),
        ({"nums": [2, 7], "target": "9"}, "Target must be an integer"),
        ({"nums": [2, 7], "target": True}, "Target must be an integer"),
        ({"nums": [2, 7], "target": None}, "Target must be an integer"),
        ({"nums": [2, 7], "target": 100}, "No valid pair found"),
        ({"nums": [5, 1], "target": 10}, "No valid pair found"),
    ],
)
def test_what_is_wrong_is_said_in_the_old_words(http, body, error):
    answer = http.post("/two_sum", json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert {"message", "detail", "details", "type", "title", "status", "instance"} <= set(answer.json())


@settings(deadline=None)
@given(st.lists(st.integers(-20, 20), max_size=30), st.integers(-40, 40))
def test_first_pair_agrees_with_looking_at_every_pair(numbers, target):
    found = None
    for right in range(len(numbers)):
        partners = [left for left in range(right) if numbers[left] + numbers[right] == target]
        if partners:
            found = (partners[-1], right)
            break
    assert first_pair(numbers, target) == found
