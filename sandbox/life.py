"""What happens in the clouds by itself: machines boot and are killed, groups mend themselves, schedules come due.

One thread looks every 50 ms (real time) at what is due by the clouds' clock. Everything that will be due is a timer in
the world's file (`World.wake`), so nothing is forgotten over a restart and nothing is looked at in between.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox import trace
from sandbox.clock import RENEW_S
from sandbox.clouds import CLOUDS, context_of, part
from sandbox.kind import Context
from sandbox.machines import MACHINE, RUNNING, STARTING
from sandbox.world import Record, World

TICK_S = 0.05


class Side:
    """How one cloud behaves in time; each method runs inside one change of the world. Override what the cloud does.

    `group_kinds`: the kinds of record that have machines. Group: `reconcile` is called when one of its machines came,
    ran or went, and whenever a timer of it is due (`ctx.world.wake(group, at)`: set one after every change of its size,
    and for the next try where a launch failed).
    """

    group_kinds: tuple[str, ...] = ()

    def lead_s(self, machine: Record) -> float:
        """Seconds between the notice and the kill."""
        return 30.0

    def reconcile(self, ctx: Context, group: Record) -> None:
        """Launch, end, replace and try again as this cloud's groups do by themselves."""

    def due(self, ctx: Context, record: Record) -> None:
        """A timer of any other record is due, such as a schedule's; set the next one."""

    def running(self, ctx: Context, machine: Record) -> None:
        """The machine has booted."""

    def warned(self, ctx: Context, machine: Record) -> None:
        """The cloud has decided to kill the machine at `machine.body["deadline"]`: post the events that say so."""

    def gone(self, ctx: Context, machine: Record) -> None:
        """The machine was killed; its record is no longer in the world. Post the events that say so."""


def tick(world: World) -> None:
    """Do all that is due, in order of time."""
    while rows := world.sql(
        "select cloud, kind, id from timers where at <= ? order by at, kind, id limit 64", world.clock.now()
    ):  # fmt: skip
        for cloud, kind, record_id in rows:
            with world.change():
                world.sql("delete from timers where cloud = ? and kind = ? and id = ?", cloud, kind, record_id)  # fmt: skip
                _step(world, cloud, kind, record_id)


def _step(world: World, cloud: str, kind: str, record_id: str) -> None:
    if kind == trace.KIND:
        trace.step(world, cloud, record_id)
        return
    record = world.get(cloud, kind, record_id)
    if record is None:
        return
    side: Side = part(cloud, "SIDE") or Side()
    if kind == MACHINE:
        _live(world, side, record)
    elif kind in side.group_kinds:
        side.reconcile(context_of(world, record), record)
    else:
        side.due(context_of(world, record), record)


def _live(world: World, side: Side, machine: Record) -> None:
    """One machine, as far as its time has come."""
    ctx, body, now = context_of(world, machine), machine.body, world.clock.now()
    deadline = body["deadline"]
    if body["state"] == STARTING and body["ready_at"] <= now:
        body["state"] = RUNNING
        world.put(machine)
        side.running(ctx, machine)
        _wake_group(world, side, machine, now)
    elif body["state"] == STARTING:
        world.wake(machine, body["ready_at"])
    if deadline is not None and not body["told"]:
        body["told"] = True
        world.put(machine)
        side.warned(ctx, machine)
        _wake_group(world, side, machine, now)
    if deadline is not None and deadline <= now:
        world.remove(machine)
        side.gone(ctx, machine)
        _wake_group(world, side, machine, now)
    elif deadline is not None:
        world.wake(machine, deadline)


def _wake_group(world: World, side: Side, machine: Record, at: float) -> None:
    for kind in side.group_kinds:
        if group := world.get(machine.cloud, kind, machine.body["group"]):
            world.wake(group, at)


def group_due(world: World) -> bool:
    """Whether a group has something to do now."""
    kinds = {kind for cloud in CLOUDS for kind in (part(cloud, "SIDE") or Side()).group_kinds}
    rows = world.sql("select kind from timers where at <= ?", world.clock.now())
    return any(kind in kinds for (kind,) in rows)


@contextmanager
def living(world: World, speed: float) -> Iterator[None]:
    """Let time run while the context is open."""
    world.clock.run(speed)
    over = threading.Event()
    thread = threading.Thread(target=_live_on, args=(world, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        world.clock.stop()


def _live_on(world: World, over: threading.Event) -> None:
    renewed = time.monotonic()
    while not over.wait(TICK_S):
        if time.monotonic() - renewed > RENEW_S:
            world.clock.run(world.clock.speed())
            renewed = time.monotonic()
        tick(world)
