"""Sets that all nodes share: one winner for each number, and the missing ones as ranges."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from api.number_set.history import NumberHistory
from core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from core.journal import drain
from core.number_set import (
    JOURNAL,
    MultipleNumbersExtractedError,
    NoNumbersExtractedError,
    NumberAlreadyExtractedError,
    NumberOutOfRangeError,
    SharedNumberSets,
)
from embedded.valkey import Valkey
from models import number_set_entry as entries


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Valkey(tmp_path_factory.mktemp("numbers"), durable=False) as valkey:
        yield valkey


@pytest.fixture
def nodes(server):
    clients = [Redis.from_url(server.url) for _ in range(3)]
    clients[0].flushall()
    made = [SharedNumberSets(client) for client in clients]
    made[0].create("main", 100)
    yield made
    for client in clients:
        client.close()


@pytest.fixture
def numbers(nodes):
    return nodes[0]


def test_of_all_nodes_that_take_a_number_one_wins(nodes):
    def take(turn):
        try:
            return nodes[turn % 3].extract("main", turn // 24 + 1).number
        except NumberAlreadyExtractedError:
            return None

    with ThreadPoolExecutor(24) as pool:
        won = [one for one in pool.map(take, range(24 * 100)) if one]
    assert sorted(won) == list(range(1, 101))
    facts = nodes[1].facts("main")
    assert (facts.remaining_count, facts.range_count, facts.extracted_sum) == (0, 1, 5050)


def test_the_missing_number_is_known_from_sums(numbers):
    with pytest.raises(NoNumbersExtractedError):
        numbers.facts("main").missing_number()
    assert numbers.extract("main", 42).remaining_count == 99
    assert numbers.facts("main").missing_number() == 42
    numbers.extract("main", 43)
    with pytest.raises(MultipleNumbersExtractedError):
        numbers.facts("main").missing_number()


@pytest.mark.parametrize("number", [0, -1, 101, 2**63, 10**400])
def test_outside_the_range_changes_nothing(numbers, number):
    with pytest.raises(NumberOutOfRangeError) as refused:
        numbers.extract("main", number)
    assert (refused.value.details["min_value"], refused.value.details["max_value"]) == (1, 100)
    assert len(refused.value.message) < 100
    assert numbers.facts("main").extracted_count == 0


def test_a_key_takes_a_number_once_and_answers_again(nodes):
    first, again = (node.extract("main", 5, key="k") for node in nodes[:2])
    assert (first.remaining_count, again.remaining_count, again.is_replay) == (99, 99, True)
    with pytest.raises(InvalidInputError, match="another number"):
        nodes[0].extract("main", 6, key="k")
    with pytest.raises(NumberAlreadyExtractedError):
        nodes[0].extract("main", 5, key="other")


def test_a_reset_puts_all_numbers_back(numbers):
    numbers.extract("main", 5)
    assert numbers.reset("main").remaining_count == 100
    assert numbers.facts("main").extracted_count == 0
    assert numbers.extract("main", 5).remaining_count == 99


def test_a_set_is_made_once_with_one_maximum(numbers):
    assert [numbers.create("big", 10_000_000), numbers.create("big", 10_000_000)] == [True, False]
    with pytest.raises(ConflictError, match="10000000"):
        numbers.create("big", 5)
    numbers.extract("big", 10_000_000)
    assert numbers.facts("big").missing_number() == 10_000_000


@pytest.mark.parametrize("top", [0, -1, 10_000_001])
def test_a_maximum_that_no_set_has_is_refused(numbers, top):
    with pytest.raises(InvalidInputError):
        numbers.create("other", top)
    with pytest.raises(NotFoundError):
        numbers.facts("other")


def test_an_unknown_set_is_not_found(numbers):
    for ask in (
        lambda: numbers.facts("other"),
        lambda: numbers.extract("other", 1),
        lambda: numbers.reset("other"),
        lambda: numbers.missing_ranges("other", limit=5),
        lambda: numbers.delete("other"),
    ):
        with pytest.raises(NotFoundError):
            ask()


@given(st.sets(st.integers(1, 100)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
def test_ranges_are_what_a_list_would_say(numbers, extracted):
    numbers.reset("main")
    for number in extracted:
        numbers.extract("main", number)
    facts, ranges = numbers.missing_ranges("main", limit=100)
    assert {n for first, last in ranges for n in range(first, last + 1)} == extracted
    assert all(one[1] + 1 < other[0] for one, other in pairwise(ranges))
    assert (facts.range_count, facts.extracted_count) == (len(ranges), len(extracted))


def test_ranges_come_in_pages(numbers):
    for number in range(1, 100, 2):
        numbers.extract("main", number)
    seen, start = [], 1
    while page := numbers.missing_ranges("main", start=start, limit=7)[1]:
        seen += page
        start = page[-1][1] + 1
    assert seen == [(number, number) for number in range(1, 100, 2)]


def test_a_set_of_ten_million_takes_little_room_and_one_page_of_it_little_time(numbers, server):
    numbers.create("big", 10_000_000)
    for number in (1, 2, 9_999_999, 10_000_000):
        numbers.extract("big", number)
    assert numbers.missing_ranges("big", limit=5)[1] == [(1, 2), (9_999_999, 10_000_000)]
    with Redis.from_url(server.url) as client:
        assert client.memory_usage("reckoner:numbers:bits:big") < 2_500_000


def test_a_set_that_is_always_there_survives_an_emptied_redis(server):
    with Redis.from_url(server.url) as client:
        client.flushall()
        numbers = SharedNumberSets(client, always={"main": 10})
        assert numbers.facts("main").remaining_count == 10
        assert numbers.extract("main", 3).remaining_count == 9
        client.flushall()
        assert numbers.extract("main", 3).remaining_count == 9
        assert numbers.missing_ranges("main", limit=5)[1] == [(3, 3)]
        with pytest.raises(ConflictError):
            numbers.create("main", 20)


def test_refusals_are_counted_by_code(numbers):
    for code in ("NUMBER_OUT_OF_RANGE", "VALIDATION_ERROR", "NUMBER_OUT_OF_RANGE"):
        numbers.note_error("main", code)
    assert numbers.error_counts("main") == {"NUMBER_OUT_OF_RANGE": 2, "VALIDATION_ERROR": 1}


def test_a_stopped_redis_is_unavailable(tmp_path):
    with Valkey(tmp_path, durable=False) as valkey:
        numbers = SharedNumberSets(Redis.from_url(valkey.url, retry=None))
        numbers.create("main", 100)
        numbers.extract("main", 1)
        valkey.kill()
        with pytest.raises(UnavailableError):
            numbers.extract("main", 2)
        valkey.start()
        assert numbers.facts("main").missing_number() == 1


def test_an_entry_is_kept_for_each_number_whoever_takes_it_and_whoever_moves_it(nodes, db):
    def take(turn):
        nodes[turn % 3].extract("main", turn + 1, actor=f"clerk{turn % 3}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take, range(100)))
        client = nodes[0]._redis  # the journal is its set's own
        list(pool.map(lambda _: drain(client, JOURNAL, NumberHistory(db), wait=True), range(3)))
    with db.connect() as connection:
        kept = entries.page(connection, "main", before=None, number=None, limit=1000)
    taken = {row.number: row.actor for row in kept if row.kind == "extract"}
    assert taken == {turn + 1: f"clerk{turn % 3}" for turn in range(100)}
    assert [row.extracted_count for row in kept] == list(range(100, -1, -1))
    assert client.xlen(JOURNAL) == 0


def test_a_set_that_redis_lost_goes_on_in_its_history(numbers, server, db):
    numbers.extract("main", 5)
    with Redis.from_url(server.url) as client:
        drain(client, JOURNAL, NumberHistory(db), wait=True)
        client.flushall()
        numbers.create("main", 50)
        numbers.extract("main", 5)
        drain(client, JOURNAL, NumberHistory(db), wait=True)
    with db.connect() as connection:
        kept = entries.page(connection, "main", before=None, number=None, limit=10)
    assert [row.kind for row in kept] == ["extract", "create", "extract", "create"]


def test_nothing_is_changed_that_the_history_has_no_room_for(server, numbers):
    with Redis.from_url(server.url) as client:
        narrow = SharedNumberSets(client, most_in_journal=2)
        narrow.extract("main", 1)
        for change in (
            lambda: narrow.extract("main", 2),
            lambda: narrow.reset("main"),
            lambda: narrow.delete("main"),
            lambda: narrow.create("other", 5),
        ):
            with pytest.raises(UnavailableError, match="history is behind"):
                change()
    assert numbers.facts("main").extracted_count == 1
