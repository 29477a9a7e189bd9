"""HTTP to a cloud's own services: connections that stay open, short timeouts, one more try where a try may help.

Made for the APIs whose vendors' clients take longer to import than the reactor has to answer. Every request made
through it may be repeated: sizes are set, never added to, and writes carry the version they replace.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from queue import Empty, LifoQueue
from typing import Any
from urllib.parse import urlsplit

from reactor.clock import CloudClock
from reactor.ports import CloudError

CONNECT_S = 2.0
ANSWER_S = 5.0
LONGEST_WAIT_S = 1.0
"""No cloud is waited for longer than this before the second try, whatever its `Retry-After` asks for."""
_EARLY_S = 60.0
"""A token is exchanged so long before it expires."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered, of any status; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises CloudError where it is none: a proxy's page, a reply cut short."""
        try:
            data = json.loads(self.body)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise CloudError(f"HTTP {self.status}", f"no JSON object: {self.body[:80]!r}")
        return data

    @property
    def throttled(self) -> bool:
        """Whether the service asked to be called less often."""
        return self.status == 429

    @property
    def passing(self) -> bool:
        """Whether the same request may be answered differently a moment later."""
        return self.throttled or self.status >= 500


@dataclass(slots=True)
class Http:
    """A client for any number of services, usable from several threads. `clock` hears the `Date` of every answer."""

    clock: CloudClock
    sleep: Callable[[float], None] = time.sleep
    _idle: dict[tuple[str, str], LifoQueue[HTTPConnection]] = field(default_factory=dict)

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """One request, tried once more after a failed connection, a 429 or a 5xx. Raises CloudError (`Unreachable`)."""
        try:
            first = self._send(method, url, headers or {}, body)
        except (OSError, HTTPException):
            first = None
        if first is not None and not first.passing:
            return first
        self.sleep(_asked_wait_s(first) if first else 0.0)
        try:
            return self._send(method, url, headers or {}, body)
        except (OSError, HTTPException) as error:
            if first is not None:
                return first
            why = str(error) or type(error).__name__
            raise CloudError("Unreachable", f"{method} {url}: {why}") from error

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(url)
        service = (parts.scheme, parts.netloc)
        idle = self._idle.setdefault(service, LifoQueue())
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection = _waiting(idle) or _open(parts.scheme, parts.netloc)
        try:
            connection.request(method, target, body or None, dict(headers))
            reply = connection.getresponse()
            answer = Answer(
                reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
            )
        except BaseException:
            connection.close()
            self._idle.pop(
                service, None
            )  # closed by the service, all of them: a function sleeps for hours
            raise
        if reply.will_close:
            connection.close()
        else:
            idle.put(connection)
        self.clock.hear(answer.headers.get("date"))
        return answer


def _waiting(idle: LifoQueue[HTTPConnection]) -> HTTPConnection | None:
    try:
        return idle.get_nowait()
    except Empty:
        return None


def _open(scheme: str, netloc: str) -> HTTPConnection:
    """A connection: little time to be made, more to answer."""
    connection = (
        HTTPSConnection(netloc, timeout=CONNECT_S, context=ssl.create_default_context())
        if scheme == "https"
        else HTTPConnection(netloc, timeout=CONNECT_S)
    )
    connection.connect()
    connection.sock.settimeout(ANSWER_S)
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _asked_wait_s(answer: Answer) -> float:
    """What the answer's `Retry-After` asks for, in seconds, within reason; a tenth where it says nothing usable."""
    try:
        asked = float(answer.headers.get("retry-after", ""))
    except ValueError:
        asked = 0.1
    return min(max(asked, 0.0), LONGEST_WAIT_S) if asked == asked else LONGEST_WAIT_S


@dataclass(slots=True)
class Token:
    """A bearer token, fetched when needed and kept until shortly before it expires. `fetch`: the token and the seconds that
    it is good for; two threads may fetch at once, to the same end."""

    fetch: Callable[[], tuple[str, float]]
    monotonic: Callable[[], float] = time.monotonic
    _value: str = ""
    _until: float = float("-inf")

    def value(self) -> str:
        """A token that is good for some time. Raises CloudError."""
        if self.monotonic() >= self._until:
            value, lifetime_s = self.fetch()
            self._value, self._until = value, self.monotonic() + lifetime_s - _EARLY_S
        return self._value
