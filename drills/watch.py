"""What is seen while a drill runs: capacity and money many times a second, and every line that the reactors write."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from drills.scene import Group, Scene, machines
from sandbox import logs
from sandbox.machines import RUNNING
from sandbox.world import World

LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Sample:
    """The stack at `at` (seconds of the clouds' clock): ready units of spot and in all, nodes by role, money."""

    at: float
    ready: int
    ready_spot: int
    nodes: int
    fallback_nodes: int
    usd_per_hour: float


@dataclass(frozen=True, slots=True)
class Line:
    """One run of a reactor, as it told it. `real`: when it was read here, `time.monotonic`."""

    at: float
    real: float
    cloud: str
    entry: dict[str, Any]


@dataclass(slots=True)
class Watch:
    """All that was seen so far."""

    world: World
    scene: Scene
    samples: list[Sample] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    peaks: dict[str, int] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)
    _position: int = 0

    @property
    def latest(self) -> Sample:
        """The newest sample."""
        return self.samples[-1]

    def sizes(self) -> Counter[str]:
        """Machines by group, now."""
        return Counter({group.key: len(machines(self.world, group)) for group in self.scene.groups})

    def look(self) -> None:
        """Take a sample and read the new lines."""
        now = self.world.clock.now()
        ready = spot = nodes = fallback = money = 0
        for group in self.scene.groups:
            mine = machines(self.world, group)
            running = sum(m.body["state"] == RUNNING for m in mine)
            ready += running * group.units
            spot += running * group.units if group.role == "spot" else 0
            nodes += len(mine)
            fallback += len(mine) if group.role == "fallback" else 0
            money += sum(m.body["usd_micro_per_hour"] or 0 for m in mine)
            self.peaks[group.key] = max(len(mine), self.peaks.get(group.key, 0))
        self.samples.append(Sample(now, ready, spot, nodes, fallback, money / 1e6))
        for position, text in logs.read(self.world, after=self._position):
            self._position = position
            if entry := _entry(text):
                self.lines.append(Line(now, time.monotonic(), text.split()[1], entry))


@contextmanager
def watching(world: World, scene: Scene) -> Iterator[Watch]:
    """Look many times a second while the context is open. Lines from before do not count."""
    watch = Watch(world, scene)
    watch.look()
    watch.lines.clear()

    def run() -> None:
        while not watch.over.wait(LOOK_S):
            watch.look()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.over.set()
        thread.join()


def _entry(text: str) -> dict[str, Any] | None:
    """The journal's object in a line of a log, None where there is none."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        entry = json.loads(text[start:])
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and entry.get("skyblend") == "reactor" else None


def group_of(scene: Scene, key: str) -> Group:
    """A group by key."""
    return next(group for group in scene.groups if group.key == key)
