"""Pools that the market does not fill, as the next plan should know them: `observed.json`.

A pool is dry while it has fewer nodes than planned or set and launches have been refused lately. It is held for dry for half
an hour, and twice as long each time it turns out so again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from reactor.capacity import alive_nodes
from reactor.contract import Observation
from reactor.published import Published

OBSERVED_OBJECT = "observed.json"
SCHEMA_VERSION = 1
_HOLD_S = 1800.0
_LONGEST_HOLD_S = 24 * 3600.0
_REFUSED_WITHIN_S = 900.0


@dataclass(frozen=True, slots=True)
class Dry:
    """A group that could not be filled at `at_s`: how many nodes it had, and until when no more should be planned."""

    group: str
    nodes: int
    at_s: float
    hold_s: float

    @property
    def until_s(self) -> float:
        """When it may be tried again."""
        return self.at_s + self.hold_s


def dry_groups(
    published: Published, observation: Observation, before: tuple[Dry, ...], now: float
) -> tuple[Dry, ...]:
    """What is dry now; entries that have run out stay one more hold, so that a repetition doubles."""
    known = {each.group: each for each in before if now < each.until_s + each.hold_s}
    refused = {
        each.group for each in observation.failed_launches if now - each.at_s < _REFUSED_WITHIN_S
    }
    groups = {group.key: group for group in published.plan.groups}
    for state in observation.groups:
        alive = alive_nodes(state, sum(n.group == state.key for n in observation.notices))
        if state.key not in groups or state.key not in refused:
            continue
        planned = groups[state.key].planned_nodes
        if alive >= max(state.size, 1 if planned is None else planned):
            continue
        entry = known.get(state.key)
        if entry is None or now >= entry.until_s:
            hold = min(2 * entry.hold_s, _LONGEST_HOLD_S) if entry else _HOLD_S
            known[state.key] = Dry(state.key, alive, now, hold)
    return tuple(known[key] for key in sorted(known))


def observed_json(
    published: Published, observation: Observation, dry: tuple[Dry, ...], now: float
) -> bytes:
    """What the next plan should know of this cloud: nodes of every group, and which are dry until when (Unix seconds)."""
    groups = [
        {"group": s.key, "size": s.size, "nodes": sum(z.ready + z.starting + z.draining for z in s.zones)}
        for s in observation.groups
    ]  # fmt: skip
    return json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "stack": published.stack,
            "cloud": published.cloud,
            "plan_digest": published.plan.digest,
            "at_s": round(now),
            "groups": groups,
            "dry": [asdict(each) | {"until_s": each.until_s} for each in dry if now < each.until_s],
        },
        sort_keys=True,
    ).encode()
