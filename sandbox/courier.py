"""Carries what is due on the bus to the functions, several at a time, never more than a function takes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from sandbox import bus, faults, logs
from sandbox.functions import Functions, Outcome
from sandbox.world import Record, World

_LOOK_S = 0.01
_AT_ONCE = 64
_DEAD_REGION_S = 1.0


class Courier:
    """Deliveries on their way; one that is cut off by a crash is made again after the restart."""

    def __init__(self, world: World, functions: Functions) -> None:
        self._world = world
        self._functions = functions
        self._carried: dict[int, tuple[str, str, str]] = {}
        self._lock = threading.Lock()

    def look(self, pool: ThreadPoolExecutor) -> None:
        """Start every delivery that is due and whose function has room."""
        with self._lock:
            carried, busy = set(self._carried), Counter(self._carried.values())
        for delivery in bus.due(self._world, self._world.clock.now()):
            key = (delivery.cloud, delivery.kind, delivery.target)
            if delivery.id in carried or (function := self._receiver(delivery)) is None:
                continue
            if busy[key] < self._functions.room(function):
                busy[key] += 1
                with self._lock:
                    self._carried[delivery.id] = key
                pool.submit(self._carry, delivery, function).add_done_callback(_show)

    def _receiver(self, delivery: bus.Waiting) -> Record | None:
        """The function, if there is one and its region answers."""
        if faults.dead(self._world, delivery.cloud, delivery.region):
            bus.postpone(self._world, delivery, _DEAD_REGION_S)
            return None
        function = self._world.get(delivery.cloud, delivery.kind, delivery.target)
        if function is None:
            bus.failed(self._world, delivery)
        elif faults.dead(self._world, delivery.cloud, function.region):
            bus.postpone(self._world, delivery, _DEAD_REGION_S)
            return None
        return function

    def _carry(self, delivery: bus.Waiting, function: Record) -> None:
        outcome = Outcome(ok=False, error="a defect of its Runner")
        try:
            outcome = self._functions.invoke(function, delivery.payload, delivery.attempts + 1)
        finally:
            if outcome.ok:
                bus.done(self._world, delivery)
            elif not self._functions.closed and not bus.failed(self._world, delivery):
                lost = f"lost an event for {function.id}: {outcome.error}"
                logs.write(self._world, delivery.cloud, "sandbox", lost)
            with self._lock:
                del self._carried[delivery.id]


def _show(carried: Future[None]) -> None:
    """A defect is printed with its traceback by the pool, which would keep it to itself."""
    carried.result()


@contextmanager
def carrying(world: World, functions: Functions) -> Iterator[None]:
    """Deliver while the context is open; what its end cuts off is delivered again when the clouds are next served."""
    over = threading.Event()
    courier = Courier(world, functions)

    def run() -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while not over.wait(_LOOK_S):
                courier.look(pool)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        functions.close()
        thread.join()
