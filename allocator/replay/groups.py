"""Drives the policy as it is deployed: it sees groups, their zones, notices and refusals, and sets group sizes.

A group lies in a region and fills its zones as the clouds' groups do: the one with fewest of its own first, each zone in turn
until one accepts; it shrinks from its fullest zone, newest first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from allocator.replay.engine import Answer, Launch, View
from allocator.replay.world import World
from reactor.contract import (
    FailedLaunch,
    GroupState,
    Memory,
    Notice,
    Observation,
    RuntimePlan,
    ZoneCount,
)
from reactor.policy import decide

Places = Mapping[str, tuple[int, ...]]
"""The world's zones of each group; a group with none is the world's on-demand."""


class GroupDriver:
    """The reactors of one runtime plan after another, each with a memory of its own, over the groups of a world."""

    rounds = 1

    def __init__(
        self, name: str, world: World, plans: Sequence[RuntimePlan], places: Places
    ) -> None:
        self.name, self.world, self.plans, self.places = name, world, tuple(plans), places
        self.memories = [Memory() for _ in plans]
        self.sizes = {group.key: 0 for plan in plans for group in plan.groups}
        self.seen: list[Observation | None] = [None for _ in plans]
        self.quiet_s = [-math.inf for _ in plans]

    def answer(self, view: View) -> Answer:
        """Sizes by all reactors, as launches and stops."""
        now = view.step * self.world.step_s
        for at, plan in enumerate(self.plans):
            observation = self._observation(plan, view, now)
            if observation == self.seen[at] and now < self.quiet_s[at] and len(self.plans) > 1:
                continue
            decision = decide(plan, observation, self.memories[at], now)
            self.memories[at] = decision.memory
            self.sizes |= {size.group: size.nodes for size in decision.sizes}
            self.seen[at], self.quiet_s[at] = observation, decision.quiet_until_s
        quiet_s = min(self.quiet_s)
        stops: list[tuple[int, int]] = []
        launches: list[Launch] = []
        held = [r + s for r, s in zip(view.ready, view.starting, strict=True)]
        for group, zones in self.places.items():
            self._resize(self.sizes[group], zones, held, stops, launches)
        return Answer(
            stops=stops,
            launches=launches,
            on_demand=sum(size for group, size in self.sizes.items() if not self.places[group]),
            quiet_until=math.ceil(quiet_s / self.world.step_s - 1e-9) if quiet_s < 1e12 else 10**9,
        )

    @staticmethod
    def _resize(
        size: int,
        zones: tuple[int, ...],
        held: list[int],
        stops: list[tuple[int, int]],
        launches: list[Launch],
    ) -> None:
        missing = size - sum([held[zone] for zone in zones]) if zones else 0
        for _ in range(-missing):
            zone = max(zones, key=lambda z: (held[z], -z))
            held[zone] -= 1
            stops.append((zone, 1))
        for _ in range(missing):
            order = tuple(sorted(zones, key=lambda z: (held[z], z)))
            launches.append(order)
            held[order[0]] += 1

    def _observation(self, plan: RuntimePlan, view: View, now: float) -> Observation:
        names = self.world.zones
        deadline_s = now + self.world.notice_steps * self.world.step_s
        states, notices, failed = [], [], []
        for group in plan.groups:
            key, zones = group.key, self.places[group.key]
            counts = [ZoneCount(names[z], view.ready[z], view.starting[z]) for z in zones]
            if not zones:
                counts.append(ZoneCount("", view.on_demand_ready, view.on_demand_starting))
            states.append(GroupState(key, self.sizes[key], tuple(counts)))
            for zone in zones:
                notices += [
                    Notice(f"{names[zone]}/{n}", key, names[zone], deadline_s)
                    for n in range(view.doomed[zone])
                ]
                if view.refused[zone]:
                    failed.append(FailedLaunch(key, names[zone], now))
        return Observation(tuple(states), tuple(notices), tuple(failed))
