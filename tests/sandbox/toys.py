"""Small stand-ins for a cloud's parts: time that a test moves, a side that notes what happened, a runner for toy packages."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import textwrap
import time as steady
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox.functions import Command, Died, Outcome, Runner
from sandbox.kind import Context
from sandbox.life import Side
from sandbox.market import Market
from sandbox.world import Record, World
from tests.sandbox.foreign import sale

ZONES = ("use1-az1", "use1-az2")
MARKET = Market([sale("aws", "us-east-1", zone, "g6.xlarge") for zone in ZONES])
GROUP = "toy:Group"
FUNCTION = "toy:Function"


@dataclass
class Time:
    """The machine's own steady clock, moved by hand."""

    real: float = 1000.0

    def pass_(self, seconds: float) -> None:
        self.real += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    moved = Time()
    monkeypatch.setattr("sandbox.clock.time.monotonic", lambda: moved.real)
    return moved


@dataclass
class Diary(Side):
    """A cloud's side that keeps what it was told, and does nothing."""

    group_kinds: tuple[str, ...] = (GROUP,)
    said: list[tuple[str, str]] = field(default_factory=list)

    def lead_s(self, machine: Record) -> float:
        return 120.0

    def reconcile(self, ctx: Context, group: Record) -> None:
        self.said.append(("reconcile", group.id))

    def due(self, ctx: Context, record: Record) -> None:
        self.said.append(("due", record.id))

    def running(self, ctx: Context, machine: Record) -> None:
        self.said.append(("running", machine.id))

    def warned(self, ctx: Context, machine: Record) -> None:
        self.said.append(("warned", machine.id))

    def gone(self, ctx: Context, machine: Record) -> None:
        self.said.append(("gone", machine.id))


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> Diary:
    """The side of the emulated AWS for one test."""
    side = Diary()
    monkeypatch.setattr("sandbox.aws.SIDE", side, raising=False)
    return side


def until(condition: Callable[[], object]) -> None:
    """Wait for what other threads do; fails when it does not come."""
    last = steady.monotonic() + 20
    while not condition():
        assert steady.monotonic() < last, "it did not come"
        steady.sleep(0.01)


def group(world: World, name: str = "g1") -> Record:
    return world.put(Record("aws", GROUP, name, "us-east-1", {}))


def function(world: World, name: str = "f1", **body: Any) -> Record:
    return world.put(Record("aws", FUNCTION, name, "us-east-1", body))


# -- a toy runtime: the function's main.py defines handle(event, attempt) ------------------------------------------

_RUNTIME = """
import json, os, socket, main
with socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))) as link, link.makefile("rw") as talk:
    for line in talk:
        try:
            answer = {"value": main.handle(*json.loads(line))}
        except Exception as error:
            answer = {"error": repr(error)}
        talk.write(json.dumps(answer) + "\\n")
        talk.flush()
"""


def package(code: str) -> bytes:
    """A zip with this main.py, beside the toy runtime client."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", textwrap.dedent(code))
        archive.writestr("runtime.py", _RUNTIME)
    return packed.getvalue()


class ToyRunner(Runner):
    """Talks to a toy runtime over one socket; the record's body says the rest."""

    def __init__(self, ctx: Context, record: Record) -> None:
        self.package = package(record.body["code"])
        self.timeout_s = record.body.get("timeout_s", 20.0)
        self.processes = record.body.get("processes", 1)
        self.log = record.id
        self._port = socket.create_server(("127.0.0.1", 0))
        self._port.settimeout(20)

    def command(self, folder: Path) -> Command:
        port = self._port.getsockname()[1]
        env = {"TOY": "yes", "PORT": str(port)}
        return Command((sys.executable, "-u", "runtime.py"), env, {"TOY_ENDPOINT": "here"})

    def started(self, process: subprocess.Popen[bytes]) -> None:
        try:
            link, _ = self._port.accept()
        except OSError as error:
            raise Died from error
        self._talk = link.makefile("rw")

    def invoke(self, payload: Any, attempt: int) -> Outcome:
        try:
            self._talk.write(json.dumps([payload, attempt]) + "\n")
            self._talk.flush()
            answer = json.loads(self._talk.readline() or "null")
        except OSError as error:
            raise Died from error
        if answer is None:
            raise Died
        return Outcome("error" not in answer, answer.get("value"), answer.get("error", ""))

    def ended(self) -> None:
        with suppress(OSError):  # somebody has connected, or nobody ever did
            self._port.shutdown(socket.SHUT_RDWR)
        self._port.close()
