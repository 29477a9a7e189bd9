"""What the policy knows at one look: counts per group and zone, joined with what it remembers of them.

A zone's *age* is the time since it was last bad (lost a node, refused one or warned). Nodes held prove an age by living;
of a zone where none are held only half of the quiet time counts, because nothing was at stake there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from reactor.contract import (
    Group,
    GroupState,
    Memory,
    Observation,
    Parameters,
    RuntimePlan,
    Size,
    ZoneCount,
    ZoneMemory,
)

_HOUR_S = 3600.0
_UNSEEN_QUIET_S = 2 * _HOUR_S
_UNHELD_SPEED = 0.5
_STEPS_PER_OCTAVE = 3
_NOTICE_GRACE_S = 120.0
_NEVER = math.inf


@dataclass(slots=True)
class Zone:
    """A group in one zone. `ready` and `starting` leave out doomed nodes. `age_h` is in thirds of an octave, the offset added."""

    name: str
    ready: int
    starting: int
    doomed: int
    resting: bool
    age_h: float

    @property
    def alive(self) -> int:
        """Nodes that will still be there."""
        return self.ready + self.starting


@dataclass(slots=True)
class Pool:
    """An observed group with its zones, in the plan's order."""

    group: Group
    size: int
    zones: list[Zone]
    refused_s: float = 0.0

    @property
    def ready(self) -> int:
        """Ready nodes without notice."""
        return sum(zone.ready for zone in self.zones)

    @property
    def alive(self) -> int:
        """Ready and starting nodes without notice."""
        return sum(zone.alive for zone in self.zones)

    @property
    def doomed(self) -> int:
        """Nodes under notice that are still there."""
        return sum(zone.doomed for zone in self.zones)


@dataclass(slots=True)
class Look:
    """All pools that could be observed, the memory brought up to date, and until when nothing changes by time alone."""

    pools: list[Pool]
    memory: Memory
    quiet_until_s: float


def look(plan: RuntimePlan, observation: Observation, memory: Memory, now: float) -> Look:
    """Join plan, observation and memory. Ignores groups and zones it cannot place, and counts below zero."""
    since = now if memory.since_s is None else memory.since_s
    seen = {state.key: state for state in observation.groups}
    past = {(entry.group, entry.zone): entry for entry in memory.zones}
    doomed = _doomed(observation, now)
    refused = _refused(observation, now)
    set_before = {size.group: size.nodes for size in memory.sizes}
    result = Look([], memory, _NEVER)
    zones: list[ZoneMemory] = []
    losses = whole = 0
    for group in plan.groups:
        state = seen.get(group.key)
        if state is None:
            zones += [entry for entry in memory.zones if entry.group == group.key]
            continue
        counts = _counts(group, state)
        before = [
            past.get((group.key, name)) or ZoneMemory(group.key, name, since - _UNSEEN_QUIET_S)
            for name in counts
        ]
        lost = _lost(before, counts, set_before.get(group.key))
        pool = Pool(group, max(0, state.size), [])
        for entry, count, gone in zip(before, counts.values(), lost, strict=True):
            if gone and entry.nodes > 1:
                losses += 1
                whole += gone >= entry.nodes
            key = (group.key, count.zone)
            warned = min(doomed.get(key, 0), count.ready + count.starting)
            bad = max(refused.get(key, 0.0), refused.get((group.key, ""), 0.0))
            fresh = _remember(
                entry,
                count,
                gone,
                warned,
                bad if bad > entry.refused_s else 0.0,
                plan.parameters,
                now,
            )
            zones.append(fresh)
            pool.refused_s = max(pool.refused_s, fresh.refused_s)
            pool.zones.append(_zone(fresh, count, warned, plan.parameters, result, now))
        result.pools.append(pool)
    if doomed:
        result.quiet_until_s = min(
            [result.quiet_until_s]
            + [
                end
                for notice in observation.notices
                if (end := notice.deadline_s + _NOTICE_GRACE_S) > now
            ]
        )
    result.memory = replace(
        memory,
        since_s=since,
        losses=memory.losses + losses,
        whole_losses=memory.whole_losses + whole,
        zones=tuple(zones),
    )
    return result


def _counts(group: Group, state: GroupState) -> dict[str, ZoneCount]:
    """Counts by zone, the plan's zones first; several entries of one zone add up."""
    counts = {name: ZoneCount(name, 0, 0) for name in group.zones}
    for count in state.zones:
        known = counts.get(count.zone, ZoneCount(count.zone, 0, 0))
        counts[count.zone] = ZoneCount(
            count.zone, known.ready + max(0, count.ready), known.starting + max(0, count.starting)
        )
    return counts or {"": ZoneCount("", 0, 0)}


def _doomed(observation: Observation, now: float) -> dict[tuple[str, str], int]:
    """Nodes under notice by group and zone. A machine counts once; a notice long past its deadline was false or is done."""
    machines = {
        (notice.group, notice.zone, notice.machine)
        for notice in observation.notices
        if notice.deadline_s + _NOTICE_GRACE_S > now
    }
    counts: dict[tuple[str, str], int] = {}
    for group, zone, _ in machines:
        counts[group, zone] = counts.get((group, zone), 0) + 1
    return counts


def _refused(observation: Observation, now: float) -> dict[tuple[str, str], float]:
    """The newest refusal by group and zone; one from the future counts as now."""
    newest: dict[tuple[str, str], float] = {}
    for failed in observation.failed_launches:
        key = (failed.group, failed.zone)
        newest[key] = max(newest.get(key, 0.0), min(failed.at_s, now))
    return newest


def _lost(before: list[ZoneMemory], counts: dict[str, ZoneCount], size: int | None) -> list[int]:
    """Nodes lost per zone: those gone since the last look, less those that were stopped by the size set then."""
    stopped = 0 if size is None else max(0, sum(entry.nodes for entry in before) - size)
    gone = [
        max(0, entry.nodes - count.ready - count.starting)
        for entry, count in zip(before, counts.values(), strict=True)
    ]
    for zone in sorted(range(len(gone)), key=lambda z: (-before[z].nodes, z)) if stopped else ():
        explained = min(stopped, gone[zone])
        gone[zone] -= explained
        stopped -= explained
    return gone


def _remember(
    entry: ZoneMemory,
    count: ZoneCount,
    lost: int,
    doomed: int,
    refused_s: float,
    parameters: Parameters,
    now: float,
) -> ZoneMemory:
    """A zone's memory after this look."""
    nodes = count.ready + count.starting
    bad_s, held_s, credit_s, rest_s = entry.bad_s, entry.held_s, entry.credit_s, entry.rest_s
    rests_until_s = entry.rests_until_s
    if nodes and held_s is None:
        held_s, credit_s = now, _UNHELD_SPEED * max(0.0, now - bad_s)
    if count.ready > doomed:
        rest_s = 0.0
    if lost or doomed or refused_s:
        bad_s = now if lost or doomed else refused_s
        held_s, credit_s = (bad_s, 0.0) if nodes else (None, 0.0)
        if now >= rests_until_s:
            rest_s = min(parameters.longest_rest_s, max(parameters.rest_s, 2 * rest_s))
            rests_until_s = bad_s + rest_s
    elif not nodes:
        held_s = None
    return ZoneMemory(
        group=entry.group,
        zone=entry.zone,
        bad_s=bad_s,
        held_s=held_s,
        credit_s=credit_s,
        nodes=nodes,
        rest_s=rest_s,
        rests_until_s=rests_until_s,
        refused_s=max(entry.refused_s, refused_s),
    )


def _zone(
    entry: ZoneMemory,
    count: ZoneCount,
    doomed: int,
    parameters: Parameters,
    result: Look,
    now: float,
) -> Zone:
    """A zone as it stands; shortens the quiet time to when its age or its rest moves on."""
    if entry.held_s is None:
        age_s, speed = _UNHELD_SPEED * max(0.0, now - entry.bad_s), _UNHELD_SPEED
    else:
        age_s, speed = entry.credit_s + max(0.0, now - entry.held_s), 1.0
    shifted_h = age_s / _HOUR_S + parameters.hazard_offset_h
    step = math.floor(_STEPS_PER_OCTAVE * math.log2(shifted_h))
    following_h = 2 ** ((step + 1) / _STEPS_PER_OCTAVE)
    result.quiet_until_s = min(
        result.quiet_until_s, now + (following_h - shifted_h) * _HOUR_S / speed
    )
    resting = now < entry.rests_until_s
    if resting:
        result.quiet_until_s = min(result.quiet_until_s, entry.rests_until_s)
    ready = max(0, count.ready - doomed)
    return Zone(
        name=count.zone,
        ready=ready,
        starting=count.starting - max(0, doomed - count.ready),
        doomed=doomed,
        resting=resting or doomed > 0,
        age_h=2 ** ((step + 0.5) / _STEPS_PER_OCTAVE),
    )


def remember_sizes(memory: Memory, sizes: Iterable[Size]) -> Memory:
    """The memory with the sizes that were set now; those of groups not observed stay."""
    known = {size.group: size.nodes for size in memory.sizes} | {
        size.group: size.nodes for size in sizes
    }
    return replace(
        memory, sizes=tuple(Size(group, nodes) for group, nodes in sorted(known.items()))
    )
