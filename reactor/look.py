"""What the policy knows at one look: counts per group and zone, joined with what it remembers of them.

Everything odd is read in the safest way here, so that the rest of the policy need not care: unknown groups are ignored,
counts below zero are zero, machines noticed twice count once, refusals known already are not news.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from reactor.ages import NO_EVENT, UNSEEN_QUIET_S, Event, remember, shifted_age
from reactor.contract import (
    Group,
    GroupState,
    Memory,
    Observation,
    Role,
    RuntimePlan,
    Size,
    ZoneCount,
    ZoneMemory,
)

_NOTICE_GRACE_S = 120.0
_NONE = ZoneCount("", 0, 0)
_Place = tuple[str, str]


class Zone(NamedTuple):
    """A group in one zone: `ready` and `starting` nodes without notice, `doomed` ones, the age in hours (spot)."""

    ready: int
    starting: int
    doomed: int
    resting: bool
    age_h: float

    @property
    def alive(self) -> int:
        """Nodes that will still be there."""
        return self.ready + self.starting


class Pool(NamedTuple):
    """An observed group with its zones. Sums are over zones; `refused_s` is the newest refusal known."""

    group: Group
    zones: tuple[Zone, ...]
    ready: int
    alive: int
    doomed: int
    resting: bool
    refused_s: float


class Look(NamedTuple):
    """The pools that could be observed, the memory brought up to date, and until when nothing changes by time alone."""

    pools: list[Pool]
    memory: Memory
    quiet_until_s: float


class _Looking:
    """One look under way; collects what the pools do not hold."""

    def __init__(
        self, plan: RuntimePlan, observed: Observation, memory: Memory, now: float
    ) -> None:
        self.parameters, self.memory, self.now = plan.parameters, memory, now
        self.since_s = now if memory.since_s is None else memory.since_s
        self.past: dict[str, dict[str, ZoneMemory]] = {}
        for entry in memory.zones:
            self.past.setdefault(entry.group, {})[entry.zone] = entry
        self.set_before = {size.group: size.nodes for size in memory.sizes}
        self.doomed = _doomed(observed, now)
        self.refused = _refused(observed, now)
        self.news = {group for group, _ in (*self.doomed, *self.refused)}
        self.quiet_until_s = math.inf
        self.zones: list[ZoneMemory] = []
        self.losses = self.whole_losses = 0
        untouched = ZoneMemory("", "", self.since_s - UNSEEN_QUIET_S)
        self.untouched = self._zone("spot", untouched, _NONE, 0)

    def pool(self, group: Group, state: GroupState) -> Pool:
        """The group as it stands; its memory is brought up to date."""
        key, past = group.key, self.past.get(group.key, {})
        counts = _counts(group, state)
        if not past and key not in self.news and not any(c.ready or c.starting for c in counts):
            return Pool(
                group, (self.untouched,) * len(counts), 0, 0, 0, resting=False, refused_s=0.0
            )
        before = [
            past.get(count.zone) or ZoneMemory(key, count.zone, self.since_s - UNSEEN_QUIET_S)
            for count in counts
        ]
        lost = _lost(before, counts, self.set_before.get(key))
        zones, refused_s = [], 0.0
        for entry, count, gone in zip(before, counts, lost, strict=True):
            event = self._event(entry, count, gone) if gone or key in self.news else NO_EVENT
            fresh = remember(
                entry, event, count.ready, count.ready + count.starting, self.parameters, self.now
            )
            refused_s = max(refused_s, fresh.refused_s)
            self.zones.append(fresh)
            zones.append(self._zone(group.role, fresh, count, event.doomed))
        return Pool(
            group=group,
            zones=tuple(zones),
            ready=(ready := sum([zone.ready for zone in zones])),
            alive=ready + sum([zone.starting for zone in zones]),
            doomed=sum([zone.doomed for zone in zones]),
            resting=False not in [zone.resting for zone in zones],
            refused_s=refused_s,
        )

    def skip(self, group: Group) -> None:
        """Keep what is remembered of a group that could not be observed."""
        self.zones += self.past.get(group.key, {}).values()

    def _event(self, entry: ZoneMemory, count: ZoneCount, lost: int) -> Event:
        if lost and entry.nodes > 1:
            self.losses += 1
            self.whole_losses += lost >= entry.nodes
        place = (entry.group, entry.zone)
        doomed = min(self.doomed.get(place, 0), count.ready + count.starting)
        refused_s = max(self.refused.get(place, 0.0), self.refused.get((entry.group, ""), 0.0))
        refused_s = refused_s if refused_s > entry.refused_s else 0.0
        if not (lost or doomed or refused_s):
            return NO_EVENT
        return Event(lost, doomed, refused_s)

    def _zone(self, role: Role, entry: ZoneMemory, count: ZoneCount, doomed: int) -> Zone:
        age_h, moves_s = 0.0, math.inf
        if role == "spot":
            age_h, moves_s = shifted_age(entry, self.parameters, self.now)
        resting = self.now < entry.rests_until_s
        if resting:
            moves_s = min(moves_s, entry.rests_until_s)
        self.quiet_until_s = min(self.quiet_until_s, moves_s)
        if not doomed:
            return Zone(count.ready, count.starting, 0, resting, age_h)
        ready, starting = (
            max(0, count.ready - doomed),
            count.starting - max(0, doomed - count.ready),
        )
        return Zone(ready, starting, doomed, resting=True, age_h=age_h)


def look(plan: RuntimePlan, observation: Observation, memory: Memory, now: float) -> Look:
    """Join plan, observation and memory at `now` (seconds)."""
    looking = _Looking(plan, observation, memory, now)
    states = {state.key: state for state in observation.groups}
    pools = []
    for group in plan.groups:
        if group.key in states:
            pools.append(looking.pool(group, states[group.key]))
        else:
            looking.skip(group)
    ends = [notice.deadline_s + _NOTICE_GRACE_S for notice in observation.notices]
    return Look(
        pools=pools,
        memory=replace(
            memory,
            since_s=looking.since_s,
            losses=memory.losses + looking.losses,
            whole_losses=memory.whole_losses + looking.whole_losses,
            zones=tuple(looking.zones),
        ),
        quiet_until_s=min([looking.quiet_until_s, *(end for end in ends if end > now)]),
    )


def remember_sizes(plan: RuntimePlan, memory: Memory, sizes: tuple[Size, ...]) -> Memory:
    """The memory with the sizes that are set now; those of the plan's groups that were not observed stay."""
    known = {size.group: size for size in (*memory.sizes, *sizes)}
    kept = sorted([group.key for group in plan.groups if group.key in known])
    return replace(memory, sizes=tuple([known[key] for key in kept]))


def _counts(group: Group, state: GroupState) -> Sequence[ZoneCount]:
    """Counts by zone, the plan's zones first; several entries of one zone add up, counts below zero are zero."""
    plain = [count.zone for count in state.zones if count.ready >= 0 <= count.starting]
    if len(plain) == len(state.zones) and tuple(plain) == (group.zones or ("",)):
        return state.zones
    counts: dict[str, ZoneCount] = {}
    for count in state.zones:
        known = counts.get(count.zone)
        if known or count.ready < 0 or count.starting < 0:
            known = known or _NONE
            count = ZoneCount(
                zone=count.zone,
                ready=known.ready + max(0, count.ready),
                starting=known.starting + max(0, count.starting),
            )
        counts[count.zone] = count
    others = sorted([zone for zone in counts if zone not in group.zones])
    return [counts.get(zone) or ZoneCount(zone, 0, 0) for zone in (*group.zones, *others)] or [
        _NONE
    ]


def _doomed(observation: Observation, now: float) -> dict[_Place, int]:
    """Nodes under notice by group and zone. A notice long past its deadline was false, or its node is gone."""
    machines = {
        (notice.group, notice.zone, notice.machine)
        for notice in observation.notices
        if notice.deadline_s + _NOTICE_GRACE_S > now
    }
    counts: dict[_Place, int] = {}
    for group, zone, _ in machines:
        counts[group, zone] = counts.get((group, zone), 0) + 1
    return counts


def _refused(observation: Observation, now: float) -> dict[_Place, float]:
    """The newest refusal by group and zone; one from the future counts as now."""
    newest: dict[_Place, float] = {}
    for failed in observation.failed_launches:
        place = (failed.group, failed.zone)
        newest[place] = max(newest.get(place, 0.0), min(failed.at_s, now))
    return newest


def _lost(before: list[ZoneMemory], counts: Sequence[ZoneCount], size: int | None) -> list[int]:
    """Nodes lost per zone: those gone since the last look, less those that the size set then made the group stop."""
    gone = [
        max(0, entry.nodes - count.ready - count.starting)
        for entry, count in zip(before, counts, strict=True)
    ]
    if size is None or not any(gone):
        return gone
    stopped = sum([entry.nodes for entry in before]) - size
    for zone in sorted(range(len(gone)), key=lambda at: (-before[at].nodes, at)):
        explained = max(0, min(stopped, gone[zone]))
        gone[zone] -= explained
        stopped -= explained
    return gone
