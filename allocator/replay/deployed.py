"""Drives the policy as it is deployed: it sees groups, their zones, notices and refusals, and sets group sizes.

A group lies in a region and fills its zones as the clouds' groups do: the one with fewest of its own first, each zone in turn
until one accepts; it shrinks from its fullest zone, newest first. On-demand is one group that never refuses.
"""

from __future__ import annotations

import dataclasses
import math

from allocator.replay.engine import Answer, Launch, View
from allocator.replay.world import World
from reactor.contract import (
    FailedLaunch,
    Group,
    GroupState,
    Memory,
    Notice,
    Observation,
    Parameters,
    RuntimePlan,
    ZoneCount,
)
from reactor.policy import decide

_UNIT = 1000
_PRICE = 1_000_000
_FALLBACK = "on-demand"


class Deployed:
    """Our policy over groups of a region (as deployed) or of a zone each."""

    def __init__(
        self,
        world: World,
        *,
        cold_start_s: float,
        notice_s: float,
        parameters: Parameters | None = None,
        zone_groups: bool = False,
        rounds: int = 1,
    ) -> None:
        self.name = "skyblend, zone groups" if zone_groups else "skyblend"
        self.rounds, self.world = rounds, world
        places = world.zones if zone_groups else world.regions
        self.zones: dict[str, tuple[int, ...]] = {
            place: tuple(z for z, other in enumerate(places) if other == place)
            for place in sorted(set(places))
        }
        groups = [
            self._group(place, world.prices[zones[0]], cold_start_s, notice_s)
            for place, zones in self.zones.items()
        ]
        self.plan = RuntimePlan(
            digest="replay",
            demand_units=0,
            reserve_units=0,
            groups=(*groups, self._fallback(cold_start_s)),
            parameters=parameters or Parameters(),
        )
        self.memory = Memory()
        self.sizes: dict[str, int] = dict.fromkeys([*self.zones, _FALLBACK], 0)

    def answer(self, view: View) -> Answer:
        plan = dataclasses.replace(self.plan, demand_units=view.wanted * _UNIT)
        now = view.step * self.world.step_s
        decision = decide(plan, self._observation(view, now), self.memory, now)
        self.memory = decision.memory
        self.sizes |= {size.group: size.nodes for size in decision.sizes}
        stops: list[tuple[int, int]] = []
        launches: list[Launch] = []
        held = [r + s for r, s in zip(view.ready, view.starting, strict=True)]
        for place, zones in self.zones.items():
            self._resize(place, zones, held, stops, launches)
        quiet = decision.quiet_until_s
        return Answer(
            stops=stops,
            launches=launches,
            on_demand=self.sizes[_FALLBACK],
            quiet_until=math.ceil(quiet / self.world.step_s - 1e-9) if quiet < 1e12 else 10**9,
        )

    def _resize(
        self,
        place: str,
        zones: tuple[int, ...],
        held: list[int],
        stops: list[tuple[int, int]],
        launches: list[Launch],
    ) -> None:
        missing = self.sizes[place] - sum(held[zone] for zone in zones)
        for _ in range(-missing):
            zone = max(zones, key=lambda z: (held[z], -z))
            held[zone] -= 1
            stops.append((zone, 1))
        for _ in range(missing):
            order = tuple(sorted(zones, key=lambda z: (held[z], z)))
            launches.append(order)
            held[order[0]] += 1

    def _observation(self, view: View, now: float) -> Observation:
        states, notices, failed = [], [], []
        names = self.world.zones
        for place, zones in self.zones.items():
            states.append(
                GroupState(
                    place,
                    self.sizes[place],
                    tuple(ZoneCount(names[z], view.ready[z], view.starting[z]) for z in zones),
                )
            )
            for zone in zones:
                deadline = now + self.world.notice_steps * self.world.step_s
                notices += [
                    Notice(f"{names[zone]}/{n}", place, names[zone], deadline)
                    for n in range(view.doomed[zone])
                ]
                if view.refused[zone]:
                    failed.append(FailedLaunch(place, names[zone], now))
        on_demand = ZoneCount("", view.on_demand_ready, view.on_demand_starting)
        states.append(GroupState(_FALLBACK, self.sizes[_FALLBACK], (on_demand,)))
        return Observation(tuple(states), tuple(notices), tuple(failed))

    def _group(self, place: str, price: float, cold_start_s: float, notice_s: float) -> Group:
        return Group(
            key=place,
            cloud="replay",
            region=self.world.regions[self.zones[place][0]],
            shape="replica",
            role="spot",
            state="active",
            zones=tuple(self.world.zones[zone] for zone in self.zones[place]),
            units_per_node=_UNIT,
            planned_nodes=None,
            max_nodes=1000,
            price_usd_micro_per_hour=round(price * _PRICE),
            on_demand_usd_micro_per_hour=_PRICE,
            cold_start_s=cold_start_s,
            notice_s=notice_s,
            fallback=(_FALLBACK,),
        )

    def _fallback(self, cold_start_s: float) -> Group:
        return Group(
            key=_FALLBACK,
            cloud="replay",
            region="",
            shape="replica",
            role="fallback",
            state="active",
            zones=(),
            units_per_node=_UNIT,
            planned_nodes=0,
            max_nodes=1000,
            price_usd_micro_per_hour=_PRICE,
            on_demand_usd_micro_per_hour=_PRICE,
            cold_start_s=cold_start_s,
            notice_s=0.0,
        )
