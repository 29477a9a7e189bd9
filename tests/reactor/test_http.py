"""HTTP to a cloud's services, against a server on loopback whose answers are scripted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reactor.clock import CloudClock
from reactor.http import Http, Token
from reactor.ports import CloudError

Reply = tuple[int, dict[str, str], bytes]
NOON = 1_795_348_800.0


class Server(ThreadingHTTPServer):
    """Answers with `replies` in turn, the last one for ever; a reply of None closes the connection unanswered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: list[Reply | None] = [(200, {}, b"{}")]
        self.seen: list[tuple[str, str, bytes]] = []
        self.connections: set[int] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, self.path, body))
        self.server.connections.add(self.client_address[1])
        replies = self.server.replies
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply is None:
            self.close_connection = True
            return
        status, headers, answer = reply
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(answer))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815  the name is the base class's

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(timestamp or NOON)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def http(waits: list[float]) -> Http:
    return Http(CloudClock(), waits.append)


def test_a_request_arrives_as_it_was_made_and_its_answer_comes_back(
    server: Server, http: Http
) -> None:
    server.replies = [(404, {"X-Goog-Generation": "7"}, b'{"error": 1}')]
    answer = http.request("POST", f"{server.url}/a/b?c=d%20e", {"Accept": "*/*"}, b"body")
    assert server.seen == [("POST", "/a/b?c=d%20e", b"body")]
    assert (answer.status, answer.headers["x-goog-generation"]) == (404, "7")
    assert answer.json() == {"error": 1}


def test_one_connection_serves_many_requests(server: Server, http: Http) -> None:
    for _ in range(5):
        http.request("GET", server.url)
    assert len(server.connections) == 1


def test_the_clouds_clock_is_heard(server: Server, http: Http) -> None:
    http.request("GET", server.url)
    assert http.clock.now() == NOON


@pytest.mark.parametrize(
    ("status", "asked", "waited"),
    [(503, "0", 0.0), (500, "3600", 1.0), (429, "0.5", 0.5), (429, "soon", 0.1), (429, "nan", 1.0)],
)
def test_a_passing_failure_is_tried_once_more_after_the_wait_that_was_asked_for(
    server: Server, http: Http, waits: list[float], status: int, asked: str, waited: float
) -> None:
    server.replies = [(status, {"Retry-After": asked}, b""), (200, {}, b"{}")]
    assert http.request("GET", server.url).status == 200
    assert waits == [waited]


def test_a_lasting_failure_is_tried_twice_and_then_told(server: Server, http: Http) -> None:
    server.replies = [(429, {}, b"slow down")]
    answer = http.request("GET", server.url)
    assert answer.throttled
    assert len(server.seen) == 2


def test_a_refusal_is_an_answer_and_no_reason_to_try_again(server: Server, http: Http) -> None:
    server.replies = [(403, {}, b"{}")]
    assert http.request("GET", server.url).status == 403
    assert len(server.seen) == 1


def test_a_connection_that_the_service_closed_is_replaced_unnoticed(
    server: Server, http: Http
) -> None:
    server.replies = [(200, {}, b"{}"), None, (200, {}, b"again")]
    http.request("GET", server.url)
    assert http.request("GET", server.url).body == b"again"


def test_nobody_there_is_said_in_one_line(http: Http) -> None:
    with pytest.raises(CloudError, match=r"^Unreachable: GET http://127.0.0.1:1/x: .*refused"):
        http.request("GET", "http://127.0.0.1:1/x")


def test_an_answer_that_is_no_json_object_is_an_error_of_the_cloud(
    server: Server, http: Http
) -> None:
    server.replies = [(200, {}, b"<html>")]
    with pytest.raises(CloudError, match=r"HTTP 200: no JSON object: b'<html>'"):
        http.request("GET", server.url).json()


def test_a_token_is_kept_until_a_minute_before_it_expires() -> None:
    now, fetched = [0.0], iter([("first", 3600.0), ("second", 3600.0)])
    token = Token(lambda: next(fetched), lambda: now[0])
    assert [token.value(), token.value()] == ["first", "first"]
    now[0] = 3539.0
    assert token.value() == "first"
    now[0] = 3540.0
    assert token.value() == "second"
