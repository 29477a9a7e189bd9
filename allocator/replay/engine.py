"""Steps a fleet of spot and on-demand replicas through a world, asking a policy what to do, and books the result.

Each step: capacity that is gone takes the newest replicas with it; replicas that have started become ready; the policy sees
the state and answers; the state *before* the answer is booked as met or short; then the answer acts (stops, launches in
order, on-demand) and the step is billed, starts included. A refused launch costs nothing and is seen with the next look.
Nothing is random.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import mul
from typing import Protocol

from allocator.replay.world import World

Launch = tuple[int, ...]
"""Zones by number, tried in this order until one accepts."""


@dataclass(slots=True)
class View:
    """What a policy sees. Per zone: replicas ready, starting and doomed (of both), and what happened since the last look."""

    step: int
    wanted: int
    ready: list[int]
    starting: list[int]
    doomed: list[int]
    on_demand_ready: int
    on_demand_starting: int
    lost: list[int]
    refused: list[int]
    fresh: list[int]


@dataclass(frozen=True, slots=True)
class Answer:
    """Replicas to stop per zone (newest first), launches in order, on-demand replicas wanted.

    `quiet_until`: the step before which the policy would answer the same again as long as it sees the same.
    """

    stops: Sequence[tuple[int, int]] = ()
    launches: Sequence[Launch] = ()
    on_demand: int = 0
    quiet_until: int = 0


class Policy(Protocol):
    """A policy by name; `rounds` is how often it may look within one step when launches were refused."""

    name: str
    rounds: int

    def answer(self, view: View) -> Answer:
        """What to do now."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay gave. Shares are of counted steps; cost is relative to the wanted replicas on demand."""

    availability: float
    shortfall: float
    cost: float
    longest_outage_s: float
    preemptions: int
    failed_launches: int
    spot_hours: float
    on_demand_hours: float


@dataclass(slots=True)
class _Fleet:
    """Replicas as the steps at which they are ready, oldest launch first."""

    zones: list[list[int]]
    on_demand: list[int] = field(default_factory=list)


Watch = Callable[[int, int, int, int, int], None]
"""Called with (step, steps it lasts, units of ready spot, units of ready on-demand, wanted) as steps are booked."""


def replay(world: World, policy: Policy, *, watch: Watch | None = None) -> Outcome:
    """Play a policy through a world."""
    return _Run(world, policy, watch).play()


class _Run:
    def __init__(self, world: World, policy: Policy, watch: Watch | None) -> None:
        self.world, self.policy, self.watch = world, policy, watch
        count = len(world.zones)
        self.fleet = _Fleet([[] for _ in range(count)])
        self.lost, self.refused = [0] * count, [0] * count
        self.ready_before = [0] * count
        self.preemptions = self.failed = 0
        self.steps_ok = self.outage = self.longest = 0
        self.shortfall = self.spent = self.spot_steps = self.on_demand_steps = 0.0
        self.demand_steps = 0

    def play(self) -> Outcome:
        world, step = self.world, 0
        while step < world.steps:
            self._reclaim(step)
            view = self._view(step)
            spot, on_demand = self._ready_units(view)
            answer, changed = self._rounds(view)
            following = step + 1 if changed else self._next_event(step, answer.quiet_until)
            self._book(step, following, spot, on_demand)
            step = following
        return self._outcome()

    def _reclaim(self, step: int) -> None:
        for zone, (replicas, capacity) in enumerate(
            zip(self.fleet.zones, self.world.capacity[step], strict=True)
        ):
            gone = len(replicas) - capacity
            if gone > 0:
                del replicas[capacity:]
                self.lost[zone] += gone
                if step >= self.world.uncounted:
                    self.preemptions += gone

    def _view(self, step: int) -> View:
        fleet, warned = self.fleet, self.world.warned[step]
        ready = [sum(at <= step for at in replicas) for replicas in fleet.zones]
        on_demand_ready = sum(at <= step for at in fleet.on_demand)
        view = View(
            step=step,
            wanted=self.world.demand[step],
            ready=ready,
            starting=[len(r) - n for r, n in zip(fleet.zones, ready, strict=True)],
            doomed=[max(0, len(r) - w) for r, w in zip(fleet.zones, warned, strict=True)],
            on_demand_ready=on_demand_ready,
            on_demand_starting=len(fleet.on_demand) - on_demand_ready,
            lost=self.lost,
            refused=self.refused,
            fresh=[sum(at == step for at in replicas) for replicas in fleet.zones],
        )
        self.lost, self.refused = [0] * len(ready), [0] * len(ready)
        return view

    def _ready_units(self, view: View) -> tuple[int, int]:
        """Units that ready machines serve, of spot and on demand."""
        spot, on_demand = 0, view.on_demand_ready
        for machine, ready in zip(self.world.machines, view.ready, strict=True):
            if machine.spot:
                spot += ready * machine.units
            else:
                on_demand += ready * machine.units
        return spot, on_demand

    def _rounds(self, view: View) -> tuple[Answer, bool]:
        """Ask and act, again within the step while launches are refused; says whether anything changed."""
        changed = False
        for turn in range(self.policy.rounds):
            if turn:
                view = self._view(view.step)
                view.fresh = [0] * len(view.fresh)
            answer = self.policy.answer(view)
            changed |= self._act(view.step, answer)
            if not any(self.refused):
                break
        return answer, changed

    def _act(self, step: int, answer: Answer) -> bool:
        fleet, capacity = self.fleet, self.world.capacity[step]
        for zone, count in answer.stops:
            if count > 0:
                del fleet.zones[zone][-count:]
        for launch in answer.launches:
            for zone in launch:
                if len(fleet.zones[zone]) < capacity[zone]:
                    fleet.zones[zone].append(step + self.world.machines[zone].start_steps)
                    break
                self.refused[zone] += 1
                if step >= self.world.uncounted:
                    self.failed += 1
        missing = answer.on_demand - len(fleet.on_demand)
        if missing > 0:
            fleet.on_demand.extend([step + self.world.start_steps] * missing)
        elif missing < 0:
            del fleet.on_demand[missing:]
        return bool(missing or answer.stops or answer.launches)

    def _next_event(self, step: int, quiet_until: int) -> int:
        """The first step at which the policy could see something new, at most `quiet_until`."""
        world = self.world
        last = min(quiet_until, world.steps)
        for replicas in (*self.fleet.zones, self.fleet.on_demand):
            for at in replicas:
                if step < at < last:
                    last = at
        capacity, warned, wanted = world.capacity[step], world.warned[step], world.demand[step]
        following = step + 1
        while (
            following < last
            and world.capacity[following] is capacity
            and world.warned[following] is warned
            and world.demand[following] == wanted
        ):
            following += 1
        return following

    def _book(self, step: int, following: int, spot_ready: int, on_demand_ready: int) -> None:
        world = self.world
        wanted = world.demand[step]
        if self.watch:
            self.watch(step, following - step, spot_ready, on_demand_ready, wanted)
        steps = following - max(step, world.uncounted)
        if steps <= 0:
            return
        ready = spot_ready + on_demand_ready
        if ready >= wanted:
            self.steps_ok += steps
            self.outage = 0
        else:
            self.shortfall += steps * (1 - ready / wanted)
            self.outage += steps
            self.longest = max(self.longest, self.outage)
        held = [len(replicas) for replicas in self.fleet.zones]
        spot = sum([n for n, machine in zip(held, world.machines, strict=True) if machine.spot])
        on_demand = sum(held) - spot + len(self.fleet.on_demand)
        price = sum(map(mul, held, world.prices))
        self.spent += steps * (price + len(self.fleet.on_demand))
        self.spot_steps += steps * spot
        self.on_demand_steps += steps * on_demand
        self.demand_steps += steps * wanted

    def _outcome(self) -> Outcome:
        counted = self.world.steps - self.world.uncounted
        hours = self.world.step_s / 3600
        return Outcome(
            availability=self.steps_ok / counted,
            shortfall=self.shortfall / counted,
            cost=self.spent / self.demand_steps if self.demand_steps else 0.0,
            longest_outage_s=self.longest * self.world.step_s,
            preemptions=self.preemptions,
            failed_launches=self.failed,
            spot_hours=self.spot_steps * hours,
            on_demand_hours=self.on_demand_steps * hours,
        )
