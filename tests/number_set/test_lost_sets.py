"""What Redis loses of the number sets comes back from their history before anybody is answered."""

from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from api.number_set.history import NumberHistory
from core.errors import NotFoundError, PlatformError, UnavailableError
from core.journal import drain
from core.number_set import JOURNAL, NumberAlreadyExtractedError, SharedNumberSets
from embedded.postgres import Postgres
from embedded.valkey import Valkey
from models import number_set_entry as entries
from models.migrate import migrate
from models.session import Database

TOP = 20
ALWAYS = {"always": TOP}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Valkey(tmp_path_factory.mktemp("numbers"), durable=False) as valkey:
        yield valkey


@pytest.fixture
def client(server):
    with Redis.from_url(server.url) as client:
        client.flushall()
        yield client


@dataclass
class Sets:
    """A set's user, and the accidents of its server."""

    client: Redis
    db: Database
    made: list[SharedNumberSets] = field(default_factory=list)

    @property
    def numbers(self) -> SharedNumberSets:
        return self.made[-1]

    def another_node(self) -> SharedNumberSets:
        self.made.append(SharedNumberSets(self.client, always=ALWAYS, history=NumberHistory(self.db)))
        return self.numbers

    def note(self) -> None:
        """What the thread behind the requests does twice a second."""
        drain(self.client, JOURNAL, NumberHistory(self.db), wait=True)

    def lose_all(self) -> None:
        self.note()
        self.client.flushall()

    def save(self) -> dict[bytes, bytes]:
        return {key: self.client.dump(key) for key in self.client.keys("*")}

    def lose_since(self, saved: dict[bytes, bytes]) -> None:
        """The server starts again with an older state, and without its scripts, which it never keeps."""
        self.note()
        self.client.flushall()
        for key, value in saved.items():
            self.client.restore(key, 0, value)
        self.client.script_flush()

    def seen(self, name: str) -> tuple[object, object]:
        try:
            return self.numbers.missing_ranges(name, limit=100)
        except NotFoundError:
            return None, None


@pytest.fixture
def sets(client, db):
    sets = Sets(client, db)
    sets.another_node()
    return sets


def test_an_emptied_server_has_its_sets_again_at_the_first_question(sets):
    sets.numbers.create("invoices", 1_000)
    for number in (1, 2, 3, 500, 1_000):
        sets.numbers.extract("invoices", number, actor="clerk")
    before = sets.seen("invoices")
    sets.lose_all()
    assert sets.seen("invoices") == before
    assert [name for name, _ in sets.numbers.page(limit=10)[0]] == ["always", "invoices"]
    with pytest.raises(NumberAlreadyExtractedError):
        sets.another_node().extract("invoices", 500)


def test_the_set_that_is_always_there_comes_back_too(sets):
    sets.numbers.extract("always", 7)
    sets.lose_all()
    with pytest.raises(NumberAlreadyExtractedError):
        sets.numbers.extract("always", 7)


def test_a_server_that_lost_its_last_moment_gets_only_that_back(sets):
    sets.numbers.create("invoices", 100)
    sets.numbers.extract("invoices", 1)
    saved = sets.save()
    sets.numbers.extract("invoices", 2)
    sets.numbers.create("late", 5)
    before = sets.seen("invoices"), sets.seen("late")
    sets.lose_since(saved)
    assert (sets.seen("invoices"), sets.seen("late")) == before


def test_a_reset_and_a_delete_that_were_lost_are_made_again(sets):
    for name in ("emptied", "forgotten"):
        sets.numbers.create(name, 10)
        sets.numbers.extract(name, 4)
    saved = sets.save()
    sets.numbers.reset("emptied")
    sets.numbers.extract("emptied", 5)
    sets.numbers.delete("forgotten")
    sets.lose_since(saved)
    facts, ranges = sets.numbers.missing_ranges("emptied", limit=9)
    assert (facts.extracted_count, facts.extracted_sum, facts.range_count, ranges) == (1, 5, 1, [(5, 5)])
    with pytest.raises(NotFoundError):
        sets.numbers.facts("forgotten")
    assert [name for name, _ in sets.numbers.page(limit=10)[0]] == ["always", "emptied"]


def test_a_key_is_still_known_after_its_answer_was_lost(sets):
    sets.numbers.create("invoices", 10)
    first = sets.numbers.extract("invoices", 4, key="k")
    sets.numbers.extract("invoices", 5)
    sets.lose_all()
    again = sets.numbers.extract("invoices", 4, key="k")
    assert (again.is_replay, again.remaining_count) == (True, first.remaining_count)


def test_nothing_is_added_to_the_history_by_putting_back(sets, db):
    sets.numbers.extract("always", 1)
    sets.lose_all()
    sets.seen("always")
    sets.note()
    with db.connect() as connection:
        kept = entries.page(connection, "always", before=None, number=None, limit=10)
    assert [(row.kind, row.number) for row in kept] == [("extract", 1)]


def test_a_long_history_comes_back_whole(sets, monkeypatch):
    monkeypatch.setattr(entries, "ENTRIES_AT_ONCE", 7)
    sets.numbers.create("invoices", 100)
    for number in range(1, 61):
        sets.numbers.extract("invoices", number)
    sets.lose_all()
    facts, ranges = sets.numbers.missing_ranges("invoices", limit=9)
    assert (facts.extracted_count, facts.extracted_sum, ranges) == (60, 60 * 61 // 2, [(1, 60)])


def test_a_name_that_nobody_made_leaves_no_key(sets):
    sets.numbers.facts("always")
    before = sets.client.dbsize()
    with pytest.raises(NotFoundError):
        sets.numbers.extract("nobody", 1)
    assert sets.client.dbsize() == before


def test_without_the_history_a_lost_server_answers_nothing_rather_than_too_little(tmp_path, client):
    with Postgres(tmp_path) as postgres:
        migrate(postgres.url)
        sets = Sets(client, Database(postgres.url))
        sets.another_node().extract("always", 3)
        sets.lose_all()
        postgres.stop()
        for ask in (lambda: sets.numbers.extract("always", 3), lambda: sets.numbers.facts("always")):
            with pytest.raises(UnavailableError, match="history"):
                ask()
        postgres.start()
        with pytest.raises(NumberAlreadyExtractedError):
            sets.numbers.extract("always", 3)
        sets.db.close()


CHANGES = st.one_of(
    st.tuples(st.just("create"), st.sampled_from(["a", "b"]), st.just(TOP)),
    st.tuples(st.just("extract"), st.sampled_from(["a", "b", "always"]), st.integers(1, TOP)),
    st.tuples(st.just("reset"), st.sampled_from(["a", "b", "always"]), st.just(0)),
    st.tuples(st.just("delete"), st.sampled_from(["a", "b"]), st.just(0)),
    st.tuples(st.sampled_from(["save", "lose_since", "lose_all"]), st.just(""), st.just(0)),
)


@given(st.lists(CHANGES, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_whatever_is_lost_whenever_the_sets_are_what_was_answered(client, db, changes):
    client.flushall()
    with db.transaction() as connection:
        connection.execute(entries.NumberSetEntry.__table__.delete())
    sets = Sets(client, db)
    numbers, saved = sets.another_node(), sets.save()
    model: dict[str, set[int]] = {"always": set()}
    for change, name, number in changes:
        if change == "save":
            saved = sets.save()
        elif change == "lose_since":
            sets.lose_since(saved)
        elif change == "lose_all":
            sets.lose_all()
        else:
            with suppress(PlatformError):
                arguments = [number] if change in {"create", "extract"} else []
                getattr(numbers, change)(name, *arguments)
                _follow(model, change, name, number)
    for name in ("a", "b", "always"):
        facts, ranges = sets.seen(name)
        assert (facts is not None) == (name in model)
        if name in model:
            assert {n for first, last in ranges for n in range(first, last + 1)} == model[name]
            assert (facts.extracted_count, facts.extracted_sum) == (len(model[name]), sum(model[name]))
            assert facts.range_count == len(ranges)


def _follow(model: dict[str, set[int]], change: str, name: str, number: int) -> None:
    """By rules written a second time; what is refused never comes here."""
    if change == "create":
        model.setdefault(name, set())
    elif change == "extract":
        model[name].add(number)
    elif change == "reset":
        model[name] = set()
    else:
        del model[name]
