"""The proxy's own configuration, run by a real nginx in front of three stand-ins for API nodes."""

import http.server
import re
import shutil
import socket
import subprocess
import threading
import time

import compose_file
import pytest
import requests

from embedded.ports import LOOPBACK, free_port

pytestmark = pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx on the PATH")


class Node(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/stream":
            self.stream()
            return
        body = f"{self.server.server_port} {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self):
        """One event at once, the next only when the test has seen the first."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        self.server.seen.wait(30)
        self.wfile.write(b"data: second\n\n")
        self.close_connection = True

    def log_message(self, *facts):
        pass


@pytest.fixture
def nodes():
    servers = [http.server.ThreadingHTTPServer((LOOPBACK, 0), Node) for _ in range(3)]
    for server in servers:
        server.seen = threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def proxy(nodes, tmp_path):
    """The text of docker-compose.yml with this machine's addresses; names can't be asked for outside Docker."""
    text = compose_file.load(compose_file.example_variables())["configs"]["nginx"]["content"]
    port = free_port()
    for number, node in enumerate(nodes, start=1):
        text, count = re.subn(rf"server api-{number}:8000 resolve ", f"server {LOOPBACK}:{node.server_port} ", text)
        assert count == 1
    text = text.replace("listen 8000;", f"listen {LOOPBACK}:{port};").replace("/tmp/nginx.pid", f"{tmp_path}/pid")
    text = re.sub(r" *resolver .*\n", "", text)
    text = text.replace("http {", f"http {{\n client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;")
    (tmp_path / "nginx.conf").write_text(text)
    command = ["nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-g", "daemon off;"]
    running = subprocess.Popen(command)
    while running.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                break
        time.sleep(0.01)
    assert running.poll() is None
    yield f"http://{LOOPBACK}:{port}"
    running.terminate()
    running.wait()


def test_each_node_is_asked_and_sees_the_host_the_client_named(proxy, nodes):
    answers = {requests.get(proxy, timeout=10).text for _ in range(12)}
    assert answers == {f"{node.server_port} {proxy.removeprefix('http://')}" for node in nodes}


def test_a_dead_node_is_passed_over(proxy, nodes):
    nodes[0].shutdown()
    nodes[0].server_close()
    ports = {int(requests.get(proxy, timeout=10).text.split()[0]) for _ in range(12)}
    assert ports == {nodes[1].server_port, nodes[2].server_port}


def test_an_event_arrives_when_it_happens(proxy, nodes):
    with requests.get(f"{proxy}/stream", stream=True, timeout=10) as answer:
        lines = answer.iter_lines(chunk_size=1)
        assert next(lines) == b"data: first"
        for node in nodes:
            node.seen.set()
        assert b"data: second" in list(lines)
