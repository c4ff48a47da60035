"""A platform with a key for each role, clients that send what they like, and raw sockets."""

import socket
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from core.clock import uuid7
from models.api_key import Role, add_key, new_secret
from models.session import Database
from tests.running import RunningPlatform

HOLDERS = {
    "ann": Role.SUBMITTER,
    "bob": Role.SUBMITTER,
    "viewer": Role.VIEWER,
    "submitter": Role.SUBMITTER,
    "operator": Role.OPERATOR,
    "admin": Role.ADMIN,
}


@pytest.fixture(scope="package")
def guarded(make_database, valkey_server, tmp_path_factory):
    """A platform that asks for keys; no worker, so that nothing moves by itself."""
    url = valkey_server.url.rsplit("/", 1)[0] + "/9"
    running = RunningPlatform(
        make_database("hostile"), url, tmp_path_factory.mktemp("hostile"), require_keys="1", route_wait="0.2"
    )
    db = Database(running.environment["DATABASE_URL"])
    with db.connect() as connection:
        running.keys = {owner: new_secret() for owner in HOLDERS}
        for owner, role in HOLDERS.items():
            add_key(connection, uuid7(), running.keys[owner], name=owner, owner=owner, role=role)
    db.close()
    running.start_api()
    yield running
    running.stop()


@pytest.fixture
def as_(guarded):
    """A client with somebody's key, by the owner's name."""
    clients = []

    def client(owner=None):
        clients.append(guarded.client(guarded.keys.get(owner)))
        return clients[-1]

    yield client
    for opened in clients:
        opened.close()


class Line:
    """One TCP connection to the API, on which a test writes bytes."""

    def __init__(self, url, seconds=10):
        place = urlsplit(url)
        self._socket = socket.create_connection((place.hostname, place.port), timeout=seconds)

    def send(self, data):
        self._socket.sendall(data)
        return self

    def all(self):
        """Everything until the server hangs up."""
        pieces = []
        while True:
            try:
                piece = self._socket.recv(65536)
            except ConnectionResetError:
                break
            if not piece:
                break
            pieces.append(piece)
        return b"".join(pieces)

    def close(self):
        self._socket.close()


@pytest.fixture
def line(platform):
    opened = []

    def open_line(data=b"", *, seconds=10):
        opened.append(Line(platform.url, seconds))
        return opened[-1].send(data)

    yield open_line
    for each in opened:
        with closing(each):
            pass
