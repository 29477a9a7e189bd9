"""HTTP as vendors' clients expect it of a cloud: connections are kept, a reply is one write, dates are the cloud's."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox import tls
from sandbox.http import Dead, Reply, Request, listening
from sandbox.world import World
from tests.sandbox.toys import MARKET


def echo(request: Request) -> Reply:
    """What arrived."""
    if request.path == "/dead":
        raise Dead
    if request.path == "/empty":
        return Reply(204)
    told = {"method": request.method, "path": request.path, "target": request.target}
    told |= {"query": dict(request.query), "body": request.body.decode()}
    return Reply.of(told | {"x": request.headers.get("x-thing")}, 201, X_Answer="yes")


@pytest.fixture
def world(tmp_path: Path):
    world = World(tmp_path / "clouds.db", MARKET)
    yield world
    world.close()


@contextmanager
def connected(world: World) -> Iterator[http.client.HTTPConnection]:
    with listening(echo, world.clock) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        yield connection
        connection.close()


def test_a_request_arrives_as_it_was_sent_raw_and_decoded(world: World):
    with connected(world) as connection:
        connection.request("PATCH", "/a%2Fb/c?x=1&y=", b"body", {"X-Thing": "t"})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["X-Answer"]) == (201, "yes")
        assert answer.headers["Content-Type"] == "application/json"
        assert json.loads(answer.read()) == {
            "method": "PATCH", "path": "/a/b/c", "target": "/a%2Fb/c?x=1&y=", "body": "body", "x": "t",
            "query": {"x": "1", "y": ""},
        }  # fmt: skip


def test_one_connection_serves_any_number_of_requests_with_and_without_bodies(world: World):
    with connected(world) as connection:
        connection.connect()
        port = connection.sock.getsockname()
        for method, path in (("GET", "/"), ("HEAD", "/"), ("DELETE", "/empty"), ("POST", "/")):
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read()
            assert bool(body) == (method in ("GET", "POST"))
        assert connection.sock.getsockname() == port


def test_a_body_in_chunks_and_one_that_waits_to_be_asked_for_arrive_whole(world: World):
    with connected(world) as connection:
        connection.request("PUT", "/", iter([b"one", b"two"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})  # fmt: skip
        assert json.loads(connection.getresponse().read())["body"] == "onetwo"
        connection.request("PUT", "/", b"three", {"Expect": "100-continue"})
        assert json.loads(connection.getresponse().read())["body"] == "three"


def test_a_reply_comes_in_one_piece(world: World):
    with connected(world) as connection:
        connection.connect()
        connection.sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        piece = connection.sock.recv(65536)
    head, _, body = piece.partition(b"\r\n\r\n")
    assert json.loads(body)["method"] == "GET"
    assert f"Content-Length: {len(body)}".encode() in head


def test_dates_are_the_clouds_own(world: World):
    with connected(world) as connection:
        connection.request("GET", "/")
        date = connection.getresponse().headers["Date"]
    assert parsedate_to_datetime(date).timestamp() == int(world.clock.now())


def test_what_is_dead_closes_without_an_answer(world: World):
    with connected(world) as connection:
        connection.request("GET", "/dead")
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()


def test_tls_clients_trust_the_authority_that_is_made_once(world: World, tmp_path: Path):
    ca = tls.authority(tmp_path / "tls")
    made = ca.read_bytes()
    with listening(echo, world.clock, tls.server_context(tmp_path / "tls")) as url:
        trust = ssl.create_default_context(cafile=str(ca))
        connection = http.client.HTTPSConnection(urlsplit(url).netloc, context=trust, timeout=10)
        connection.request("GET", "/")
        assert connection.getresponse().status == 201
        connection.close()
        stranger = http.client.HTTPSConnection(urlsplit(url).netloc, timeout=10)
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.request("GET", "/")
    assert ca.read_bytes() == made
