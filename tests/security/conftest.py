"""A platform with a key for each role, clients that send what they like, and raw sockets."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


class _Outside(BaseHTTPRequestHandler):
    """An outside API that is always well, so that its failures are not taken for ours."""

    def do_GET(self):
        post = {"id": 1, "title": "t", "body": "b", "userId": 1}
        body = json.dumps([post] if self.path.partition("?")[0].endswith("/posts") else post).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="package")
def outside():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Outside)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="package")
def guarded(make_database, valkey_server, outside, tmp_path_factory):
    """A platform that asks for keys; no worker, so that nothing moves by itself."""
    url = valkey_server.url.rsplit("/", 1)[0] + "/9"
    settings = {"require_keys": "1", "route_wait": "0.2", "wait_limit": "0.2", "external_api_url": outside}
    running = RunningPlatform(make_database("hostile"), url, tmp_path_factory.mktemp("hostile"), **settings)
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
        each.close()
