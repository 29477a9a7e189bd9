"""`state.json`: what the reactors of one cloud remember between two looks, one compare-and-swap object."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from reactor.contract import FailedLaunch, Memory
from reactor.dry import Dry
from reactor.reading import read
from reactor.signals import Signal

NOTICE_KEPT_S = 900.0
"""How long a notice is remembered after its deadline: late and repeated ones of the same machine are no news until then."""
REFUSAL_KEPT_S = 3600.0
_UNSAID_LEAD_S = 30.0
"""The deadline taken where an event names none: the shortest warning of the three clouds."""


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """A machine and the time of the first look that saw it."""

    machine: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Known:
    """A machine under notice. Recorded after the sizes are set, so that a crash in between repeats the work."""

    machine: str
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Asked:
    """The latest request for a new plan: why, under which plan, when, and how many times in a row for it."""

    reason: str
    digest: str
    at_s: float
    times: int


@dataclass(frozen=True, slots=True)
class PeerCount:
    """Probes in a row in which none of a cloud's cells answered."""

    cloud: str
    failures: int


@dataclass(frozen=True, slots=True)
class State:
    """Everything that outlives a run; empty at first. `looked_s`, `plan_digest`: of the latest look; `short_since_s`: since when capacity has been below what the plan
    holds (None: it is not)."""

    looked_s: float | None = None
    plan_digest: str = ""
    memory: Memory = Memory()
    machines: tuple[FirstSeen, ...] = ()
    notices: tuple[Known, ...] = ()
    refusals: tuple[FailedLaunch, ...] = ()
    peers: tuple[PeerCount, ...] = ()
    dry: tuple[Dry, ...] = ()
    short_since_s: float | None = None
    asked: Asked | None = None

    def to_json(self) -> bytes:
        """Canonical JSON."""
        return json.dumps(
            asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False
        ).encode()

    @classmethod
    def from_json(cls, body: bytes) -> State:
        """Read what `to_json` wrote; anything else is an empty state, because a reactor must go on without."""
        try:
            state: State = read(cls, json.loads(body))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return cls()
        return state

    def knows(self, signal: Signal) -> bool:
        """Whether a machine's going is no news."""
        return any(known.machine == signal.machine for known in self.notices)

    def told(self, signals: Iterable[Signal], now: float) -> State:
        """With the machines that these signals count out; notices long past their deadline are dropped."""
        known = {each.machine: each.deadline_s for each in self.notices}
        for signal in signals:
            if signal.going:
                said = now if signal.kind == "gone" else now + _UNSAID_LEAD_S
                deadline = said if signal.deadline_s is None else signal.deadline_s
                known[signal.machine] = min(deadline, known.get(signal.machine, deadline))
        kept = (Known(m, at) for m, at in sorted(known.items()) if now < at + NOTICE_KEPT_S)
        return replace(self, notices=tuple(kept))

    def saw(self, machines: Iterable[str], now: float, plan_digest: str) -> State:
        """With the machines that are there now; on the very first look all of them count as old."""
        first = {each.machine: each.at_s for each in self.machines}
        new = now if self.looked_s is not None else 0.0
        seen = tuple(FirstSeen(machine, first.get(machine, new)) for machine in sorted(machines))
        return replace(self, looked_s=now, plan_digest=plan_digest, machines=seen)

    def refused(self, launches: Iterable[FailedLaunch], now: float) -> State:
        """With launches that were refused at once; old ones are dropped."""
        kept = {each for each in (*self.refusals, *launches) if now - each.at_s < REFUSAL_KEPT_S}
        newest: dict[tuple[str, str], FailedLaunch] = {}
        for each in sorted(kept, key=lambda one: (one.group, one.zone, one.at_s)):
            newest[each.group, each.zone] = each
        return replace(self, refusals=tuple(newest.values()))
