"""An outage, played on the deployed sandbox stack: a region loses its spot machines and, for a while, its spot market.

It begins in steady state and ends when the market is back and nothing on demand is left. The clouds' clock runs faster
than ours; what is called real below is measured on ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from drills.scene import DrillError, Group, Scene, machines
from drills.watch import Watch
from sandbox.machines import MACHINE
from sandbox.market import SPOT
from sandbox.preempt import take
from sandbox.world import Record, World

STEADY_S, END_S = 3600.0, 3 * 3600.0
"""How long, by the clouds' clock, a drill waits for steady state before it begins, and for it to come back."""
QUIET_S = 130.0
"""Steady is what has not changed for two ticks of the timer."""


@dataclass(frozen=True, slots=True)
class Script:
    """What happens. `regions`: lost one after the other, `gap_s` apart; each market is back after `dry_s`.

    `most_s`: it ends then, whatever came of it (None: it must come back).
    """

    regions: tuple[str, ...]
    dry_s: float = 1500.0
    gap_s: float = 420.0
    most_s: float | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that the drill did, or saw happen: `at` by the clouds' clock."""

    at: float
    what: str


@dataclass(slots=True)
class Played:
    """What happened. `noticed`: by machine, when its notice was there (`time.monotonic`); `names`: the machines by all that
    their clouds call them. Times are the clouds'."""

    began: float
    ended: float = 0.0
    noticed: dict[str, float] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    moments: list[Moment] = field(default_factory=list)
    restored: float | None = None
    released: float | None = None
    back: float | None = None


def play(
    world: World, scene: Scene, watch: Watch, script: Script, met: Callable[[], None]
) -> Played:
    """Play it to its end. `met` is called many times a second, for whoever has to keep up with the machines.

    Raises DrillError where steady state is not reached in time, before or after.
    """
    _until(world, watch, met, STEADY_S, lambda: _steady(watch), "the stack does not come to rest")
    played = Played(world.clock.now())
    pending = [(played.began + n * script.gap_s, region) for n, region in enumerate(script.regions)]
    returns: list[tuple[float, str]] = []
    full = scene.demand + min(scene.reserve, watch.latest.ready_spot - scene.demand)

    def over() -> bool:
        now = world.clock.now()
        while pending and now >= pending[0][0]:
            region = pending.pop(0)[1]
            _lose(world, scene.region(region), played)
            returns.append((now + script.dry_s, region))
        while returns and now >= returns[0][0]:
            region = returns.pop(0)[1]
            _restock(world, scene.region(region))
            played.moments.append(Moment(now, f"spot is back in {region}"))
            played.back = now
        if script.most_s is not None and now - played.began > script.most_s:
            return True
        sample = watch.latest
        if played.noticed and sample.at > played.began + 60:
            whole = sample.ready >= full
            if whole and played.restored is None and _machines_gone(world, played):
                played.restored = now
        if pending or returns:
            return False
        if sample.fallback_nodes == 0 and played.released is None:
            played.released = now
        return sample.fallback_nodes == 0 and sample.ready_spot >= full and _steady(watch)

    _until(world, watch, met, END_S, over, "the stack does not come back")
    played.ended = world.clock.now()
    return played


def _lose(world: World, groups: Sequence[Group], played: Played) -> None:
    """Take every spot machine of a region, with its cloud's own warning, and empty its market."""
    lost = [m for group in groups if group.role == "spot" for m in machines(world, group)]
    where = f"{groups[0].cloud}-{groups[0].region}"
    if not lost:
        raise DrillError(f"{where} has no spot machine to lose; name another region")
    _dry(world, groups, "0")
    take(world, lost)
    now = time.monotonic()
    played.noticed |= {machine.id: now for machine in lost}
    played.names |= {name: machine.id for machine in lost for name in _names(machine)}
    played.moments.append(
        Moment(world.clock.now(), f"{where} loses {len(lost)} spot machines and its spot market")
    )


def _restock(world: World, groups: Sequence[Group]) -> None:
    _dry(world, groups, None)


def _dry(world: World, groups: Sequence[Group], stock: str | None) -> None:
    """Set the spot stock of a region, or leave it to the market again; the groups there try again."""
    cloud, region = groups[0].cloud, groups[0].region
    with world.change():
        world.set_setting(f"stock/{cloud}/{region}/{SPOT}", stock)


def _names(machine: Record) -> set[str]:
    """What its cloud calls a machine: id, name, number."""
    known = (machine.id, machine.name, machine.live.get("number"))
    return {str(name).lower() for name in known if name}


def _machines_gone(world: World, played: Played) -> bool:
    alive = {machine.id for machine in world.all(kind=MACHINE)}
    return not alive & played.noticed.keys()


def _steady(watch: Watch) -> bool:
    """Nothing on demand, every machine running, and no size set for two ticks."""
    now = watch.latest.at
    first = next((s for s in reversed(watch.samples) if s.nodes != watch.latest.nodes), None)
    quiet = now - (first.at if first else watch.samples[0].at) > QUIET_S
    set_lately = any(
        line.entry.get("set") and now - line.at < QUIET_S for line in watch.lines[-200:]
    )
    return quiet and not set_lately and watch.latest.nodes > 0


def _until(
    world: World, watch: Watch, met: Callable[[], None], most_s: float, over: Callable[[], bool], fail: str
) -> None:  # fmt: skip
    begun = world.clock.now()
    while not over():
        if world.clock.now() - begun > most_s:
            sizes = ", ".join(f"{key} {n}" for key, n in sorted(watch.sizes().items()) if n)
            raise DrillError(
                f"{fail} within {most_s / 60:.0f} minutes: it runs {sizes or 'nothing'}"
            )
        met()
        time.sleep(0.02)
