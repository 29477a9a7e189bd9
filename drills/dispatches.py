"""A stand-in for those whom reactors ask for a new plan: takes the requests and, if told to, brings the stack up anew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

from drills.scene import DrillError, Scene


@dataclass(slots=True)
class Dispatches:
    """What was asked so far. One `up` runs at a time; what is asked meanwhile is covered by the next one."""

    stack: str
    attach: Mapping[str, str] | None
    asked: list[dict[str, Any]] = field(default_factory=list)
    ups: list[tuple[tuple[str, ...], int]] = field(default_factory=list)
    _wanted: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)
    _busy: threading.Event = field(default_factory=threading.Event)

    @property
    def busy(self) -> bool:
        """Whether an `up` runs or is wanted."""
        return self._busy.is_set() or self._wanted.is_set()

    def take(self, payload: dict[str, Any]) -> None:
        """Somebody asks."""
        self.asked.append(payload)
        if self.attach is not None:
            self._wanted.set()

    def work(self) -> None:
        """Run what is wanted until it is over."""
        while not self._over.is_set():
            if not self._wanted.wait(0.1):
                continue
            self._busy.set()
            self._wanted.clear()
            gone = tuple(self.asked[-1].get("gone", ()))
            command = [sys.executable, "-m", "tools.replan", "--stack", self.stack, "--gone", *gone]
            done = subprocess.run(
                command, env=os.environ | dict(self.attach or {}), stdin=subprocess.DEVNULL,
                stdout=sys.stderr, check=False,
            )  # fmt: skip
            self.ups.append((gone, done.returncode))
            self._busy.clear()

    def end(self) -> None:
        """No more."""
        self._over.set()


@contextmanager
def taking(scene: Scene, attach: Mapping[str, str] | None) -> Iterator[Dispatches]:
    """Listen where the stack's plans say, if they do. `attach`: bring the stack up with this environment; None: only count.

    Raises DrillError where that is no address of this machine, or is taken.
    """
    dispatches = Dispatches(scene.stack, attach)
    if scene.dispatch is None:
        yield dispatches
        return
    url = urlsplit(scene.dispatch)
    if url.hostname != "127.0.0.1" or url.port is None:
        raise DrillError(
            f"stack {scene.stack} asks {scene.dispatch} for new plans; a drill needs http://127.0.0.1:PORT/..., see "
            "clouds.reactor.dispatch of the stack"
        )
    try:
        server = HTTPServer((url.hostname, url.port), _handler(dispatches))
    except OSError as error:
        raise DrillError(f"cannot listen on {url.netloc}: {error.strerror}") from error
    threads = [
        threading.Thread(target=run, daemon=True) for run in (server.serve_forever, dispatches.work)
    ]
    for thread in threads:
        thread.start()
    try:
        yield dispatches
    finally:
        dispatches.end()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join()


def _handler(dispatches: Dispatches) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            dispatches.take(body.get("client_payload", {}))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """What matters is told at the end."""

    return Handler
