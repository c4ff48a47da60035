"""The sum is exact, bounded and durable, and its history explains it, whatever happens to Redis."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from api.abacus.history import PostgresHistory
from core.errors import ConflictError, InvalidInputError, UnavailableError
from core.running_sum import Durability, drain
from core.running_sum.journal import KEY as JOURNAL
from models import running_sum_entry as entries

HIGHEST, LOWEST = 2**63 - 1, -(2**63)


@pytest.fixture
def raw(valkey):
    with Redis.from_url(valkey.url) as client:
        yield client


def history_of(sum_db, valkey, name="main"):
    """Everything drained, and replayed from the first entry."""
    with Redis.from_url(valkey.url) as client:
        drain(client, PostgresHistory(sum_db), wait=True)
    with sum_db.connect() as connection:
        sequence, total = entries.head(connection, name)
        replayed = entries.replay(connection, name, after=0, through=sequence)
        rows = entries.page(connection, name, before=None, limit=1_000_000)
    assert (replayed.breaks, replayed.entries) == (0, sequence)
    return total, list(reversed(rows))


def test_two_nodes_adding_10_and_20_end_at_30(make_sums):
    one, two = make_sums("one"), make_sums("two")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda move: move[0].add("main", move[1]), [(one, 10), (two, 20)]))
    assert one.read("main").sum == two.read("main").sum == 30
    assert sorted(answer.sequence for answer in answers) == [1, 2]


def test_names_are_sums_of_their_own(sums):
    sums.add("tills.north", 5)
    assert (sums.read("tills.north").sum, sums.read("tills.south").sum) == (5, 0)


@pytest.mark.parametrize("name", ["", "UPPER", "-x", "a b", "a" * 65, "a\n", "é", "a/../b", "a:b"])
def test_what_cannot_name_a_sum_is_refused(sums, name):
    with pytest.raises(InvalidInputError, match="cannot name a sum"):
        sums.add(name, 1)


@pytest.mark.parametrize(
    ("start", "amount"),
    [(HIGHEST, 1), (LOWEST, -1), (1, HIGHEST), (-1, LOWEST), (0, HIGHEST + 1), (0, LOWEST - 1), (0, 10**400)],
)
def test_beyond_64_bits_is_refused_and_changes_nothing(sums, sum_db, valkey, start, amount):
    sums.add("main", start)
    with pytest.raises(ConflictError, match="64-bit"):
        sums.add("main", amount, key="k")
    assert sums.read("main").sum == start
    assert len(history_of(sum_db, valkey)[1]) == 1


def test_the_sum_is_exact_where_a_double_is_not(sums, sum_db, valkey):
    given = [sums.add("main", amount).sum for amount in (2**53, 1, 1, HIGHEST - 2**53 - 2, -HIGHEST, LOWEST)]
    assert given == [2**53, 2**53 + 1, 2**53 + 2, HIGHEST, 0, LOWEST]
    assert [row.sum for row in history_of(sum_db, valkey)[1]] == given


def test_a_key_is_applied_once_on_every_node(make_sums):
    one, two = make_sums("one"), make_sums("two")
    first = one.add("main", 7, key="k-1")
    again = two.add("main", 7, key="k-1")
    assert (again.sum, again.sequence, again.at, again.node_id) == (7, 1, first.at, "one")
    assert (first.is_replay, again.is_replay) == (False, True)
    assert two.read("main").sum == 7


def test_the_first_answer_comes_again_after_later_adds_and_resets(sums):
    sums.add("main", 7, key="k")
    sums.add("main", 1)
    sums.reset("main")
    assert sums.add("main", 7, key="k").sum == 7
    assert sums.read("main").sum == 0


def test_a_key_used_for_something_else_is_refused_and_changes_nothing(sums):
    sums.add("main", 7, key="k")
    for other in (lambda: sums.add("main", 8, key="k"), lambda: sums.reset("main", key="k")):
        with pytest.raises(InvalidInputError, match="used for another request"):
            other()
    assert sums.read("main").sum == 7


@pytest.mark.parametrize("key", ["", "a\nb", "x" * 513, "é"])
def test_a_key_that_cannot_be_kept_is_refused(sums, key):
    with pytest.raises(InvalidInputError, match="Idempotency-Key"):
        sums.add("main", 1, key=key)
    assert sums.read("main").sum == 0


def test_one_key_from_many_threads_is_applied_once(make_sums):
    nodes = [make_sums(f"n{number}") for number in range(3)]
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda turn: nodes[turn % 3].add("main", 5, key=f"k{turn // 12}"), range(240)))
    assert nodes[0].read("main").sum == 5 * 20
    assert sum(not answer.is_replay for answer in answers) == 20


def test_adds_resets_and_reads_of_three_nodes_are_explained_by_the_history(make_sums, sum_db, valkey):
    nodes = [make_sums(f"n{number}") for number in range(3)]

    def play(player):
        for turn in range(60):
            node = nodes[(player + turn) % 3]
            if turn % 30 == player % 30:
                node.reset("main")
            elif turn % 5 == 0:
                node.add("main", turn, key=f"{player % 4}-{turn}")
            else:
                node.add("main", player * turn - 50)
            node.read("main")

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(play, range(32)))
    total, rows = history_of(sum_db, valkey)
    assert total == nodes[0].read("main").sum
    assert {row.node_id for row in rows} == {"n0", "n1", "n2"}
    keys = [row.idempotency_key for row in rows if row.idempotency_key]
    assert len(keys) == len(set(keys))


def test_a_sum_that_redis_lost_altogether_comes_back_with_its_keys(sums, raw, sum_db, valkey):
    sums.add("main", 40)
    sums.add("main", 2, key="k")
    drain(raw, PostgresHistory(sum_db))
    raw.flushall()
    assert sums.read("main").sum == 42
    assert sums.add("main", 2, key="k").is_replay
    assert sums.add("main", 1).sum == 43
    total, rows = history_of(sum_db, valkey)
    assert (total, [row.kind for row in rows]) == (43, ["add", "add", "restore", "add"])


def test_what_redis_lost_of_the_end_comes_back_from_the_history(sums, make_sums, sum_db, valkey):
    """A power cut under `everysec`: the server comes back with an older state than the history has seen."""
    sums.add("main", 10)
    valkey.stop()
    older = {path: path.read_bytes() for path in (valkey.data / "appendonlydir").iterdir()}
    valkey.start()
    sums.add("main", 5)
    sums.add("main", 7, key="k")
    history_of(sum_db, valkey)
    valkey.stop()
    for path in (valkey.data / "appendonlydir").iterdir():
        path.unlink()
    for path, content in older.items():
        path.write_bytes(content)
    valkey.start()
    other = make_sums("b")
    assert other.read("main").sum == sums.read("main").sum == 22
    assert other.add("main", 7, key="k").is_replay
    assert sums.add("main", 1).sum == 23
    total, rows = history_of(sum_db, valkey)
    assert (total, [row.kind for row in rows]) == (23, ["add", "add", "add", "restore", "add"])


def test_a_state_that_was_deleted_alone_is_rebuilt_with_what_the_journal_still_holds(sums, raw):
    sums.add("main", 10)
    raw.delete("reckoner:abacus:sum:main")
    assert sums.add("main", 1).sum == 11


def test_kill_9_of_redis_loses_no_acknowledged_add(make_sums, sum_db, valkey):
    nodes = [make_sums("one"), make_sums("two")]
    acknowledged, unknown = [], []
    enough = threading.Event()

    def add_until_killed(player):
        while not enough.is_set():
            try:
                acknowledged.append(nodes[player % 2].add("main", 1).sequence)
            except UnavailableError:
                unknown.append(player)
                return
            if len(acknowledged) > 500:
                enough.set()
                return

    with ThreadPoolExecutor(8) as pool:
        players = [pool.submit(add_until_killed, player) for player in range(8)]
        while len(acknowledged) < 100 and not enough.is_set():
            pass
        valkey.kill()
        for player in players:
            player.result()
    valkey.start()
    total, _rows = history_of(sum_db, valkey)
    assert total == nodes[0].read("main").sum
    assert len(acknowledged) <= total <= len(acknowledged) + len(unknown)
    assert len(set(acknowledged)) == len(acknowledged)


def test_redis_down_is_unavailable_and_the_sum_is_there_when_it_is_back(sums, valkey):
    sums.add("main", 3)
    valkey.kill()
    with pytest.raises(UnavailableError, match="Idempotency-Key") as refused:
        sums.add("main", 4)
    assert refused.value.retry_after >= 1
    valkey.start()
    assert sums.read("main").sum == 3


def test_nothing_is_added_to_a_sum_that_cannot_be_compared_with_its_history(make_sums, sum_postgres, valkey):
    sums = make_sums()
    sums.add("main", 3)
    with Redis.from_url(valkey.url) as client:
        client.script_flush()
    sum_postgres.stop()
    try:
        with pytest.raises(UnavailableError, match="history"):
            sums.add("main", 4)
    finally:
        sum_postgres.start()


def test_adds_go_on_while_postgres_is_down_until_the_journal_is_full(make_sums, sum_postgres, sum_db, valkey):
    sums = make_sums(most_in_journal=10)
    sums.add("main", 1)
    sum_postgres.stop()
    try:
        for _ in range(9):
            sums.add("main", 1)
        with pytest.raises(UnavailableError, match="nothing was changed"):
            sums.add("main", 1)
        assert sums.read("main").sum == 10
    finally:
        sum_postgres.start()
    assert len(history_of(sum_db, valkey)[1]) == 10
    assert sums.add("main", 1).sum == 11


def test_a_full_redis_refuses_and_changes_nothing(sums, raw):
    sums.add("main", 1)
    raw.config_set("maxmemory", 1)
    with pytest.raises(UnavailableError, match="nothing was changed"):
        sums.add("main", 1)
    raw.config_set("maxmemory", 0)
    assert (sums.read("main").sum, raw.xlen(JOURNAL)) == (1, 1)


def test_with_always_an_answered_add_is_on_disk(make_sums, raw):
    raw.config_set("appendfsync", "always")
    sums = make_sums(durability=Durability.ALWAYS)
    assert sums.add("main", 1).sum == 1
    raw.config_set("appendonly", "no")
    with pytest.raises(UnavailableError, match="not known to be on disk"):
        sums.add("main", 1)


def test_with_history_an_answered_add_is_in_postgres(make_sums, sum_db):
    make_sums(durability=Durability.HISTORY).add("main", 9)
    with sum_db.connect() as connection:
        assert entries.head(connection, "main") == (1, 9)


def test_entries_are_moved_once_however_many_move_them(sums, sum_db, valkey):
    for _ in range(50):
        sums.add("main", 1)
    with Redis.from_url(valkey.url) as client, ThreadPoolExecutor(3) as pool:
        moved = list(pool.map(lambda _: drain(client, PostgresHistory(sum_db), wait=True), range(3)))
    assert sum(moved) == 50
    assert len(history_of(sum_db, valkey)[1]) == 50
