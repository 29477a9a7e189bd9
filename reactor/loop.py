"""The loop of every reactor: observe the groups, decide, set sizes, record. A notice, a timer and a new plan all run it.

It is level-triggered: sizes are set, never added to, and follow from what is there now. So a lost, repeated, late or
reordered event does no harm, and two reactors that run at once set the same. What was done is recorded last: a crash
before that repeats the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reactor.contract import (
    Decision,
    FailedLaunch,
    Group,
    GroupState,
    Notice,
    Observation,
    Reason,
    ZoneCount,
)
from reactor.policy import decide
from reactor.ports import Cloud, CloudError, Machine, Seen, Store, Stored
from reactor.published import FREEZE_OBJECT, PLAN_OBJECT, STATE_OBJECT, Published, Target
from reactor.signals import CHECK, Signal, newest
from reactor.state import State

ROUNDS = 4
"""How often one run may look again: after a lost race, a refusal at once, or a failed call."""
FRESH_S = 5.0
"""A look so recent answers for a signal that tells nothing new."""


@dataclass(frozen=True, slots=True)
class SetCall:
    """A size that was set, or was not (`error` says why); `refused`: for want of capacity."""

    group: str
    before: int
    after: int
    error: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What the latest round saw under which plan, and why it decided as it did. `unread`: groups it could not read."""

    published: Published
    observation: Observation
    reasons: tuple[Reason, ...]
    unread: tuple[str, ...]
    now: float


@dataclass(slots=True)
class Outcome:
    """What one run did, for the journal. `ended`: set | steady | known | frozen | no_plan | behind (see `run`)."""

    ended: str
    signals: tuple[Signal, ...]
    rounds: int = 0
    calls: list[SetCall] = field(default_factory=list)
    look: Look | None = None


def run(cloud: Cloud, store: Store, signals: Sequence[Signal]) -> Outcome:
    """One run of the loop. Raises CloudError where the plan or the state cannot be read or written, or no group can be
    observed; ValueError where the plan is not one.

    `ended` is `behind` when after `ROUNDS` rounds a call still failed or somebody was faster every time: the next event
    or tick goes on from there.
    """
    outcome = Outcome("no_plan", newest(signals))
    stored_plan = store.get(PLAN_OBJECT)
    if stored_plan is None:
        return outcome
    published = Published.from_json(stored_plan.body)
    frozen = published.frozen or store.get(FREEZE_OBJECT) is not None
    while outcome.rounds < ROUNDS:
        stored = store.get(STATE_OBJECT)
        if _no_news(published, _state(stored), outcome, cloud.now()):
            outcome.ended = "known"
            return outcome
        outcome.rounds += 1
        state, settled = _round(cloud, published, _state(stored), outcome, frozen=frozen)
        tag = stored.tag if stored else None
        if store.put(STATE_OBJECT, state.to_json(), tag) and settled:
            outcome.ended = "frozen" if frozen else "set" if outcome.calls else "steady"
            return outcome
    outcome.ended = "behind"
    return outcome


def _state(stored: Stored | None) -> State:
    return State.from_json(stored.body) if stored else State()


def _no_news(published: Published, state: State, outcome: Outcome, now: float) -> bool:
    """Every signal is of a machine known to go or the timer's, and somebody has looked under this plan a moment ago.

    Also asked after a lost race: whoever won has done the same work. Not where a call of ours has failed.
    """
    if not outcome.signals or any(call.error for call in outcome.calls):
        return False
    if state.looked_s is None or now - state.looked_s > FRESH_S:
        return False
    known = all(
        signal == CHECK or (signal.going and state.knows(signal)) for signal in outcome.signals
    )
    return known and state.plan_digest == published.plan.digest


def _round(
    cloud: Cloud, published: Published, state: State, outcome: Outcome, *, frozen: bool
) -> tuple[State, bool]:
    """Look, decide, set. Returns the new state, and whether nothing is left to do at once."""
    seen = cloud.observe(published.targets)
    now = cloud.now()
    ours = {machine.id for machine in seen.machines}
    told = [signal for signal in outcome.signals if signal.machine in ours]
    state = state.told(told, now).saw(ours, now, published.plan.digest)
    observation = observed(published, seen, state)
    decision = decide(published.plan, observation, state.memory, now)
    unread = tuple(f"{each.group}: {each.why}" for each in seen.unread)
    outcome.look = Look(published, observation, decision.reasons, unread, now)
    if frozen:
        memory = replace(decision.memory, sizes=state.memory.sizes)
        return replace(state, memory=memory), True
    calls = _set(cloud, published, seen, decision)
    outcome.calls += calls
    refusals = [FailedLaunch(each.group, "", now) for each in calls if each.refused]
    settled = not any(each.error for each in calls)
    return replace(state.refused(refusals, now), memory=decision.memory), settled


def observed(published: Published, seen: Seen, state: State) -> Observation:
    """The groups as the policy sees them.

    A machine that runs counts as ready once its engine has had its cold start; nobody asks the engines here.
    """
    groups = {group.key: group for group in published.plan.groups}
    now = state.looked_s or 0.0
    first = {each.machine: each.at_s for each in state.machines}
    counts: dict[str, dict[str, list[int]]] = {size.group: {} for size in seen.sizes}
    for machine in seen.machines:
        if machine.group in counts and machine.group in groups:
            zone = counts[machine.group].setdefault(machine.zone, [0, 0, 0])
            zone[_column(machine, groups[machine.group], now - first[machine.id])] += 1
    states = tuple(
        GroupState(
            size.group,
            size.nodes,
            tuple(ZoneCount(zone, *row) for zone, row in sorted(counts[size.group].items())),
        )
        for size in sorted(seen.sizes, key=lambda one: one.group)
    )
    places = {machine.id: machine for machine in seen.machines}
    notices = tuple(
        Notice(each.machine, places[each.machine].group, places[each.machine].zone, each.deadline_s)
        for each in state.notices
        if each.machine in places and places[each.machine].state != "draining"
    )
    return Observation(states, notices, (*state.refusals, *seen.failed))


def _column(machine: Machine, group: Group, age_s: float) -> int:
    """Where it counts in (ready, starting, draining)."""
    if machine.state == "draining":
        return 2
    return 0 if machine.state == "ready" and age_s >= group.cold_start_s else 1


def _set(cloud: Cloud, published: Published, seen: Seen, decision: Decision) -> list[SetCall]:
    """Set what differs, growth first."""
    targets = {target.group: target for target in published.targets}
    sizes = {size.group: size.nodes for size in seen.sizes}
    steps = [
        (targets[size.group], sizes[size.group], size.nodes)
        for size in decision.sizes
        if size.group in sizes and sizes[size.group] != size.nodes
    ]
    return [_set_one(cloud, *step) for step in sorted(steps, key=_growth_first)]


def _growth_first(step: tuple[Target, int, int]) -> tuple[bool, str]:
    target, before, after = step
    return (after < before, target.group)


def _set_one(cloud: Cloud, target: Target, before: int, after: int) -> SetCall:
    try:
        refused = cloud.set_size(target, after)
    except CloudError as error:
        return SetCall(target.group, before, after, str(error))
    if refused:
        return SetCall(target.group, before, after, f"{refused.code}: {refused.text}", refused=True)
    return SetCall(target.group, before, after)
