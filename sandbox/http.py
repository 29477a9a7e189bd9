"""HTTP/1.1 on loopback, as the clouds' APIs and metadata services are served.

Keep-alive, one write per reply and no Nagle delay (a reply in two writes costs 40 ms), Content-Type and Content-Length
always, the clouds' own Date.
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

from sandbox.clock import Clock

ERROR = "error"
THROTTLE = "throttle"


class Dead(Exception):
    """Nobody answers: the connection is closed without a reply."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `path` and `query` are decoded, `target` is what came over the wire; header names are lower case."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; raises ValueError."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `action`: the vendor's name of the operation, for the record of calls."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    action: str = ""

    @classmethod
    def of(cls, value: Any, status: int = 200, *, action: str = "", **headers: str) -> Reply:
        """JSON; a header's name is given with underscores for hyphens."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, json.dumps(value).encode(), named, action=action)


Handler = Callable[[Request], Reply]


class Face(Protocol):
    """A cloud's HTTP API."""

    def handle(self, request: Request) -> Reply:
        """The answer, also where it is a refusal; authenticates and authorizes the caller."""

    def region(self, request: Request) -> str:
        """The region that serves this request; empty where none does."""

    def fault(self, request: Request, fault: str) -> Reply:
        """How this cloud says ERROR (a trouble of its own) or THROTTLE (too many requests)."""


class _Wire(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    handler: Handler
    clock: Clock

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        body = self._body()
        path, _, query = self.path.partition("?")
        request = Request(
            self.command, self.path, unquote(path), dict(parse_qsl(query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()}, body,
        )  # fmt: skip
        try:
            reply = type(self).handler(request)
        except Dead:
            self.close_connection = True
            return
        self._send(reply)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def _send(self, reply: Reply) -> None:
        phrase = HTTPStatus(reply.status).phrase
        bodyless = reply.status == 204 or reply.status == 304
        headers = {"Date": type(self).clock.http_date()} | dict(reply.headers)
        if not bodyless:
            headers |= {"Content-Length": str(len(reply.body))}
            headers.setdefault("Content-Type", reply.content_type)
        lines = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{k}: {v}" for k, v in headers.items())]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        bodyless = bodyless or self.command == "HEAD"
        self.wfile.write(head if bodyless else head + reply.body)

    def log_message(self, *_args: Any) -> None:
        """Calls are kept in the world, not printed."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is its own affair; anything else is a defect, and shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


@contextmanager
def listening(handler: Handler, clock: Clock, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve on a free port of loopback while the context is open; yields the base URL."""
    server = _Server(("127.0.0.1", 0), type("Wire", (_Wire,), {"handler": staticmethod(handler), "clock": clock}))  # fmt: skip
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)  # fmt: skip
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
