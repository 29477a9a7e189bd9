"""Metadata services: one port per machine that is asked for, answered by its cloud as the machine is now."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from sandbox import faults
from sandbox.clouds import context_of, part
from sandbox.http import Dead, Handler, Reply, Request, listening
from sandbox.machines import MACHINE
from sandbox.world import Record, World


class Metadata:
    """The services that are open; they close with `close`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._open = ExitStack()
        self._urls: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def url(self, machine: Record) -> str:
        """The base URL of a machine's service, which is opened if need be."""
        key = (machine.cloud, machine.id)
        with self._lock:
            if key not in self._urls:
                served = listening(self._handler(*key), self._world.clock)
                self._urls[key] = self._open.enter_context(served)
            return self._urls[key]

    def close(self) -> None:
        """Close all of them."""
        self._open.close()

    def _handler(self, cloud: str, machine_id: str) -> Handler:
        def answer(request: Request) -> Reply:
            machine = self._world.get(cloud, MACHINE, machine_id)
            if machine is None or faults.dead(self._world, cloud, machine.region):
                raise Dead
            reply: Reply = part(cloud, "METADATA")(
                context_of(self._world, machine), machine, request
            )
            return reply

        return answer
