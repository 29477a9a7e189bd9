"""The cloud takes machines back: a notice first, where the cloud gives one, then the kill."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.clouds import part
from sandbox.world import Record, World


def take(world: World, machines: Iterable[Record], lead_s: float | None = None) -> None:
    """Decide to take machines; they are killed after their cloud's lead time, or after `lead_s` seconds.

    From now on the metadata service says so; the cloud's events go out at the next tick of its life.
    """
    with world.change():
        now = world.clock.now()
        for chosen in machines:
            machine = world.get(chosen.cloud, chosen.kind, chosen.id)
            if machine is None or machine.body["deadline"] is not None:
                continue
            side = part(machine.cloud, "SIDE")
            lead = lead_s if lead_s is not None else side.lead_s(machine) if side else 0.0
            machine.body |= {"deadline": now + lead, "told": False}
            world.put(machine)
            world.wake(machine, now)
