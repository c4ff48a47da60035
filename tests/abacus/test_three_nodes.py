"""Three API processes, one sum: whatever clients do at once, the history explains it exactly."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from redis import Redis

from core.running_sum import journal
from embedded.valkey import Valkey
from tests.running import Client, RunningPlatform, eventually

PLAYERS, TURNS = 32, 40


@pytest.fixture(scope="module")
def nodes(make_database, tmp_path_factory):
    """One platform of three API processes, with a Valkey of its own that tests may kill."""
    home = tmp_path_factory.mktemp("three")
    with Valkey(home / "valkey", durable=False) as valkey:
        platform = RunningPlatform(make_database("three"), valkey.url, home, api_workers=1)
        platform.valkey = valkey
        with ThreadPoolExecutor(3) as pool:  # Open to the end: the nodes end with the threads that started them.
            try:
                urls = list(pool.map(lambda n: platform.start_api(f"api{n}", NODE_ID=f"node{n}"), range(3)))
                yield platform, urls
            finally:
                platform.stop()


def history(client, name):
    entries, cursor = [], None
    while True:
        page = client.get(f"/api/v1/abacus/{name}/history", params={"limit": 1000, "cursor": cursor}).json()
        entries += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return entries[::-1]


def test_32_clients_add_reset_and_replay_keys_and_the_history_explains_the_sum(nodes):
    _, urls = nodes

    def play(player):
        dice = random.Random(player)
        acknowledged = []
        with ExitStack() as stack:
            clients = [stack.enter_context(Client(urls[(player + n) % 3])) for n in range(3)]
            for turn in range(TURNS):
                chance = dice.random()
                if chance < 0.05:
                    answer = clients[0].delete("/abacus/sum")
                    acknowledged.append(("reset", 0, None, answer.json()["timestamp"]))
                elif chance < 0.4:
                    # The same key from several players and nodes, always for the same number.
                    key, number = f"shared-{turn % 20}", turn % 20 + 1
                    first, again = (
                        one.post("/abacus/number", json={"number": number}, headers={"Idempotency-Key": key})
                        for one in clients[:2]
                    )
                    assert first.json() == again.json()
                    answer = again
                    acknowledged.append(("add", number, key, answer.json()["timestamp"]))
                else:
                    number = dice.randint(-1000, 1000)
                    answer = clients[turn % 3].post("/abacus/number", json={"number": number})
                    acknowledged.append(("add", number, None, answer.json()["timestamp"]))
                assert answer.status_code == 200, answer.text
                assert clients[0].get("/abacus/sum").status_code == 200
        return acknowledged

    with ThreadPoolExecutor(PLAYERS) as pool:
        acknowledged = [one for played in pool.map(play, range(PLAYERS)) for one in played]
    with Client(urls[0]) as client:
        said = client.get("/api/v1/abacus/default/statement?after=0").json()
        entries = history(client, "default")
    assert (said["explained"], said["restores"], said["breaks"]) == (True, 0, 0)
    assert [entry["sequence"] for entry in entries] == list(range(1, said["sequence"] + 1))
    total = 0
    for entry in entries:
        total = 0 if entry["kind"] == "reset" else total + entry["amount"]
        assert entry["sum"] == total
    assert total == said["sum"]
    assert {entry["node_id"] for entry in entries} == {"node0", "node1", "node2"}
    # Every acknowledged move is one entry, a key's only once, and nothing else was written.
    noted = Counter((entry["kind"], entry["amount"], entry["idempotency_key"]) for entry in entries)
    said_yes = Counter((kind, number, None) for kind, number, key, _ in acknowledged if key is None)
    said_yes.update({("add", number, f"local/{key}"): 1 for _, number, key, _ in acknowledged if key})
    assert noted == said_yes


def test_two_nodes_adding_10_and_20_at_once_end_at_30(nodes):
    _, urls = nodes
    for turn in range(20):
        path = f"/api/v1/abacus/race-{turn}"
        with ThreadPoolExecutor(2) as pool, ExitStack() as stack:
            clients = [stack.enter_context(Client(url)) for url in urls]
            adding = [pool.submit(clients[n].post, path, json={"number": 10 * (n + 1)}) for n in range(2)]
            answers = [one.result().json() for one in adding]
            assert clients[2].get(path).json()["sum"] == 30
        assert max(answer["sum"] for answer in answers) == 30


def test_of_three_nodes_that_extract_the_same_numbers_one_wins_each(nodes):
    _, urls = nodes

    def take(player):
        with Client(urls[player % 3]) as client:
            answers = [client.post(f"/extract/{number}").status_code for number in range(1, 101)]
        assert set(answers) <= {200, 409}
        return answers.count(200)

    with ThreadPoolExecutor(9) as pool:
        assert sum(pool.map(take, range(9))) == 100
    with Client(urls[1]) as client:
        assert client.get("/status").json()["remaining_count"] == 0


def test_redis_killed_is_503_with_retry_after_and_no_acknowledged_add_is_lost(nodes):
    platform, urls = nodes
    path = "/api/v1/abacus/killed"
    with Client(urls[0]) as client:
        for _ in range(10):
            client.post(path, json={"number": 1})
        platform.valkey.kill()
        refused = client.post(path, json={"number": 1})
        assert (refused.status_code, int(refused.headers["Retry-After"]) >= 1) == (503, True)
        assert client.get(path).status_code == client.get("/status").status_code == 503
        platform.valkey.start()
        assert eventually(lambda: client.get(path).json().get("sum")) == 10


def test_a_redis_that_lost_everything_is_rebuilt_from_the_history(nodes):
    platform, urls = nodes
    path, keyed = "/api/v1/abacus/lost", {"Idempotency-Key": "k"}
    with ExitStack() as stack:
        one, two, three = (stack.enter_context(Client(url)) for url in urls)
        redis = stack.enter_context(Redis.from_url(platform.valkey.url))
        one.post(path, json={"number": 41})
        one.post(path, json={"number": 1}, headers=keyed)
        eventually(lambda: redis.xlen(journal.KEY) == 0)
        redis.flushall()
        assert two.get(path).json()["sum"] == 42
        assert three.post(path, json={"number": 1}, headers=keyed).headers["Idempotent-Replayed"] == "true"
        said = one.get(f"{path}/statement?after=0").json()
        assert (said["explained"], said["sum"], said["restores"]) == (True, 42, 1)


def test_a_node_that_starts_and_one_that_is_killed_leave_the_sum_as_it_was(nodes):
    platform, urls = nodes
    path = "/api/v1/abacus/started"
    with Client(urls[0]) as client:
        client.post(path, json={"number": 7})
        url = platform.start_api("api3", NODE_ID="node3")
        with Client(url) as other:
            assert other.post(path, json={"number": 1}).json()["sum"] == 8
        platform.kill_group("api3")
        platform.wait_gone("api3")
        assert client.get(path).json()["sum"] == 8
        assert client.get(f"{path}/statement").json()["explained"]
