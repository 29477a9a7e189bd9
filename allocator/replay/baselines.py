"""The published policies that ours is compared with, each from its description.

SpotHedge: Mao et al., "SkyServe: Serving AI Models across Regions and Clouds with Spot Instances" (arXiv 2411.01438).
Even spread, round robin and the Auto Scaling mix are the baselines of its evaluation. None of them uses notices.
"""

from __future__ import annotations

import math
from collections import Counter

from allocator.replay.engine import Answer, Launch, View
from allocator.replay.world import World

_ASG_ON_DEMAND_SHARE = 0.10
_ASG_REST_S = 300.0


class OnDemand:
    """All wanted replicas on demand."""

    name, rounds = "on-demand", 1

    def answer(self, view: View) -> Answer:
        return Answer(on_demand=view.wanted, quiet_until=view.step + 1_000_000)


class EvenSpread:
    """Equal shares of spot per zone, in zone order; a zone without capacity keeps its share and is retried."""

    rounds = 1

    def __init__(self, world: World, extra: int = 0) -> None:
        self.extra = extra
        self.name = f"even-spread+{extra}"
        self.zones = len(world.zones)

    def answer(self, view: View) -> Answer:
        total = view.wanted + self.extra
        launches: list[Launch] = []
        stops = []
        for zone in range(self.zones):
            share = total // self.zones + (zone < total % self.zones)
            missing = share - view.ready[zone] - view.starting[zone]
            launches += [(zone,)] * max(0, missing)
            if missing < 0:
                stops.append((zone, -missing))
        return Answer(stops=stops, launches=launches)


class RoundRobin:
    """Spot only: every launch goes to the next zone of a fixed cycle."""

    rounds = 1

    def __init__(self, world: World, extra: int) -> None:
        self.extra = extra
        self.name = f"round-robin+{extra}"
        self.zones = len(world.zones)
        self.following = 0

    def answer(self, view: View) -> Answer:
        missing = view.wanted + self.extra - sum(view.ready) - sum(view.starting)
        launches: list[Launch] = []
        for _ in range(missing):
            launches.append((self.following,))
            self.following = (self.following + 1) % self.zones
        return Answer(stops=_surplus(view, -missing), launches=launches)


class AsgMix:
    """An Auto Scaling group in the region with most zones: a fixed on-demand share, the rest spot in its emptiest zone.

    A zone that refused is avoided for 300 s, unless all are.
    """

    name, rounds = "asg-mix", 1

    def __init__(self, world: World) -> None:
        zones = Counter(world.regions)
        region = min(zones, key=lambda name: (-zones[name], name))
        self.zones = [zone for zone, name in enumerate(world.regions) if name == region]
        self.rest_steps = _ASG_REST_S / world.step_s
        self.avoided = [-math.inf] * len(world.zones)

    def answer(self, view: View) -> Answer:
        on_demand = math.ceil(_ASG_ON_DEMAND_SHARE * view.wanted - 1e-9)
        for zone in self.zones:
            if view.refused[zone]:
                self.avoided[zone] = view.step - 1 + self.rest_steps
        held = {zone: view.ready[zone] + view.starting[zone] for zone in self.zones}
        missing = view.wanted - on_demand - sum(held.values())
        launches: list[Launch] = []
        for _ in range(missing):
            calm = [zone for zone in self.zones if self.avoided[zone] <= view.step]
            zone = min(calm or self.zones, key=lambda z: (held[z], z))
            held[zone] += 1
            launches.append((zone,))
        return Answer(stops=_surplus(view, -missing), launches=launches, on_demand=on_demand)


class SpotHedge:
    """SkyServe's policy: active and preempting zones, a constant number of extra replicas, on-demand for what is not ready.

    One zone per missing replica and step as published; with `instant_retry` a refused launch tries every other zone at
    once, as a multi-zone group does.
    """

    rounds = 1

    def __init__(self, world: World, extra: int, *, instant_retry: bool = False) -> None:
        self.extra, self.instant_retry = extra, instant_retry
        self.name = f"spothedge+{extra}" + (", instant retry" if instant_retry else "")
        self.prices = world.prices
        self.active = dict.fromkeys(range(len(world.zones)))
        self.preempting: dict[int, None] = {}

    def answer(self, view: View) -> Answer:
        self._move_zones(view)
        target = view.wanted + self.extra
        held = [ready + starting for ready, starting in zip(view.ready, view.starting, strict=True)]
        missing = target - sum(held)
        launches: list[Launch] = []
        for _ in range(missing):
            zone = self._choose(held)
            held[zone] += 1
            launches.append((zone, *self._others(zone, held)) if self.instant_retry else (zone,))
        on_demand = max(0, min(view.wanted, target - sum(view.ready)))
        return Answer(stops=_surplus(view, -missing), launches=launches, on_demand=on_demand)

    def _move_zones(self, view: View) -> None:
        """Zones where a replica got ready become active again; then those that lost or refused one leave, never all."""
        zones = range(len(view.ready))
        for zone in zones:
            if view.fresh[zone] and zone in self.preempting:
                del self.preempting[zone]
                self.active[zone] = None
        for zone in zones:
            if (view.lost[zone] or view.refused[zone]) and zone in self.active:
                del self.active[zone]
                self.preempting[zone] = None
                if len(self.active) < 2:
                    self.active |= self.preempting
                    self.preempting = {}

    def _choose(self, held: list[int]) -> int:
        unused = [zone for zone in self.active if not held[zone]]
        return min(unused or self.active, key=lambda z: (self.prices[z], held[z], z))

    def _others(self, chosen: int, held: list[int]) -> list[int]:
        others = [zone for zone in range(len(held)) if zone != chosen]
        return sorted(
            others, key=lambda z: (z not in self.active, held[z] > 0, self.prices[z], held[z], z)
        )


def _surplus(view: View, surplus: int) -> list[tuple[int, int]]:
    """Stops for so many replicas, one at a time from the fullest zone."""
    held = [ready + starting for ready, starting in zip(view.ready, view.starting, strict=True)]
    stops: Counter[int] = Counter()
    for _ in range(surplus):
        zone = max(range(len(held)), key=lambda z: (held[z], -z))
        held[zone] -= 1
        stops[zone] += 1
    return sorted(stops.items())
