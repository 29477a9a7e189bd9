"""When demands contradict each other: which limits bind, the smallest change that helps, and what may be given up.

Every limit has a way to be loosened by a number. Whether a loosened problem has a plan is asked of its linear relaxation,
by bisection; that the answer holds for whole nodes is asked of the search.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from allocator.errors import InfeasibleError
from allocator.mix import Mix, Model, Problem, bill, solve_mix
from allocator.optimize.search import has_relaxed
from allocator.plan import Bucket, Relaxed, Survive
from allocator.snapshot import USD_MICRO
from allocator.spec import Relax

BUDGET = "budget_usd_per_hour"
STEPS = 12
"""Halvings of the range of a limit, by ratio: ranges span orders of magnitude."""
BEYOND = (0.0, 0.02, 0.1, 0.3, 1.0)
"""How far beyond what the relaxation needs whole nodes are looked for, in parts of it."""
SURVIVE: tuple[Survive, ...] = ("none", "region", "cloud")
"""Weakest first."""


@dataclass(frozen=True, slots=True)
class Within:
    """A problem that has a plan, its mix, and what had to be given up for it."""

    problem: Problem
    mix: Mix
    relaxed: tuple[Relaxed, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit as the spec names it, its value, the loosest it can be, and the problem with another value."""

    name: str
    value: float
    loosest: float
    with_value: Callable[[float], Problem]
    whole: bool = False


def solve_within(problem: Problem, relax: Sequence[Relax]) -> Within:
    """The mix of a problem, with limits given up in the order of `relax` where nothing else makes a plan.

    Raises InfeasibleError, which names what binds and what would help.
    """
    mix = solve_mix(problem)
    if mix is not None:
        return Within(problem, mix, ())
    given: list[Relaxed] = []
    loose = problem
    for step in relax:
        looser, said = _given_up(loose, step)
        if looser is None:
            continue
        mix = solve_mix(looser)
        if mix is not None:
            least, mix, said = _least(loose, step, (looser, mix, said))
            return Within(least, mix, (*given, said))
        loose = looser
        given.append(said)
    raise InfeasibleError(why_not(problem))


def _given_up(problem: Problem, step: Relax) -> tuple[Problem | None, Relaxed]:
    """A problem with one demand given up as far as the step allows; None where that changes nothing."""
    if step.limit == "survive":
        was = problem.policy.survive
        said = Relaxed("survive", was, str(step.to))
        if step.to not in SURVIVE[: SURVIVE.index(was)]:
            return None, said
        return _policy(problem, survive=step.to), said
    limit = next((limit for limit in limits_of(problem) if limit.name == step.limit), None)
    if limit is None or isinstance(step.to, str) or not _between(limit, step.to):
        return None, Relaxed(step.limit, "", str(step.to))
    return limit.with_value(step.to), Relaxed(limit.name, f"{limit.value:g}", f"{step.to:g}")


def _between(limit: Limit, to: float) -> bool:
    low, high = sorted((limit.value, limit.loosest))
    return low <= to <= high and to != limit.value


def _least(
    problem: Problem, step: Relax, found: tuple[Problem, Mix, Relaxed]
) -> tuple[Problem, Mix, Relaxed]:
    """The smallest part of a step that makes a plan, if less than the whole step does."""
    limit = next((limit for limit in limits_of(problem) if limit.name == step.limit), None)
    if limit is None or isinstance(step.to, str):
        return found
    value = smallest(limit, step.to)
    if value is None or value == step.to:
        return found
    looser = limit.with_value(value)
    mix = solve_mix(looser)
    if mix is None:
        return found
    return looser, mix, Relaxed(limit.name, f"{limit.value:g}", f"{value:g}")


def smallest(limit: Limit, to: float) -> float | None:
    """The value nearest to the asked one that makes a plan of whole nodes, no looser than `to`; None where none does."""
    if not _possible(limit.with_value(to)):
        return None
    if limit.name == BUDGET:  # what the cheapest plan costs
        mix = solve_mix(limit.with_value(to))
        return None if mix is None else _readable(bill(limit.with_value(to), mix), limit, to)
    no, yes = limit.value, to
    for _ in range(STEPS):
        middle = _middle(no, yes, limit)
        if middle in (no, yes):
            break
        if _possible(limit.with_value(middle)):
            yes = middle
        else:
            no = middle
    tried = {limit.value}
    for part in BEYOND:
        step = math.ceil(yes * part) if limit.whole else yes * part
        low, high = sorted((yes, to))
        value = min(max(yes + math.copysign(step, to - limit.value), low), high)
        value = _readable(value, limit, to)
        if value not in tried and solve_mix(limit.with_value(value)) is not None:
            return value
        tried.add(value)
    return to if to not in tried and solve_mix(limit.with_value(to)) is not None else None


def _middle(one: float, other: float, limit: Limit) -> float:
    """Between two values of a limit, by ratio; a whole number where only whole ones count."""
    if limit.whole:
        low, high = sorted((one, other))
        middle = math.floor(math.sqrt((low + 1) * (high + 1)) - 1)
        return min(max(middle, low + 1), high - 1) if high - low > 1 else low
    return math.sqrt(one * other) if min(one, other) > 0 else (one + other) / 2


def _readable(value: float, limit: Limit, to: float) -> float:
    """Rounded to three digits towards the loose side, no looser than `to`."""
    if limit.whole:
        return round(value)
    unit = 10.0 ** (math.floor(math.log10(max(abs(value), 1e-9))) - 2)
    rounded = math.ceil(value / unit - 1e-9) * unit
    if limit.loosest < limit.value:
        rounded = math.floor(value / unit + 1e-9) * unit
        return float(f"{max(rounded, to):.6g}")
    return float(f"{min(rounded, to):.6g}")


def _possible(problem: Problem) -> bool:
    return has_relaxed(Model(problem).fleet)


def _policy(problem: Problem, **values: object) -> Problem:
    return dataclasses.replace(problem, policy=problem.policy.model_copy(update=values))


def _limits(problem: Problem, **values: object) -> Problem:
    return dataclasses.replace(problem, limits=problem.limits.model_copy(update=values))


def limits_of(problem: Problem) -> Iterator[Limit]:
    """Every limit that is in force, those first that are the user's own wish."""
    limits, policy = problem.limits, problem.policy
    if limits.budget_usd_per_hour is not None:
        dearest = sum(c.price * c.stock_nodes for c in problem.candidates) / USD_MICRO + 1000.0
        yield Limit(BUDGET, limits.budget_usd_per_hour, max(dearest, limits.budget_usd_per_hour), lambda v: _limits(problem, budget_usd_per_hour=v))  # fmt: skip
    if limits.max_region_share < 1:
        yield Limit("max_region_share", limits.max_region_share, 1.0, lambda v: _limits(problem, max_region_share=v))  # fmt: skip
    if limits.max_cloud_share < 1:
        yield Limit("max_cloud_share", limits.max_cloud_share, 1.0, lambda v: _limits(problem, max_cloud_share=v))  # fmt: skip
    if limits.min_regions > 1:
        yield Limit("min_regions", limits.min_regions, 1, lambda v: _limits(problem, min_regions=int(v)), whole=True)  # fmt: skip
    if limits.min_clouds > 1:
        yield Limit("min_clouds", limits.min_clouds, 1, lambda v: _limits(problem, min_clouds=int(v)), whole=True)  # fmt: skip
    if policy.on_demand_share > 0:
        yield Limit("on_demand_share", policy.on_demand_share, 0.0, lambda v: _policy(problem, on_demand_share=v))  # fmt: skip
    if policy.survive != "none":
        yield Limit("degraded_share", policy.degraded_share, 0.01, lambda v: _policy(problem, degraded_share=v))  # fmt: skip
    for number, quota in enumerate(limits.quotas):

        def widened(v: float, number: int = number) -> Problem:
            quotas = [
                q.model_copy(update={"cap": int(v)}) if n == number else q
                for n, q in enumerate(limits.quotas)
            ]
            return _limits(problem, quotas=quotas)

        name = "-".join(filter(None, (quota.cloud, quota.region, quota.market)))
        yield Limit(f"quotas ({name}, {quota.unit})", quota.cap, 100_000, widened, whole=True)
    yield Limit("nodes_per_pool", limits.nodes_per_pool, 1000, lambda v: _stock(problem, int(v)), whole=True)  # fmt: skip


def _stock(problem: Problem, nodes: int) -> Problem:
    candidates = [
        dataclasses.replace(c, stock_nodes=nodes)
        if c.stock_nodes == problem.limits.nodes_per_pool
        else c
        for c in problem.candidates
    ]
    return _limits(dataclasses.replace(problem, candidates=candidates), nodes_per_pool=nodes)


def why_not(problem: Problem) -> str:
    """One line: which limits bind and the smallest change of each that alone makes a plan; else the rate that fits."""
    rate = sum(bucket.requests_per_second for bucket in problem.buckets)
    no_plan = "found no plan" if _possible(problem) else "no plan"  # the search may have missed one
    helps = []
    for limit in limits_of(problem):
        value = smallest(limit, limit.loosest)
        if value is not None:
            helps.append(f"{_section(limit.name)}.{limit.name} {limit.value:g} -> {value:g}")
    was = problem.policy.survive
    weaker = (level for level in reversed(SURVIVE[: SURVIVE.index(was)]))
    level = next((v for v in weaker if solve_mix(_policy(problem, survive=v)) is not None), None)
    if level is not None:
        helps.append(f"policy.survive {was} -> {level}")
    if helps:
        return f"{no_plan} for {rate:g} requests/s within the limits; any one of these makes one: {'; '.join(helps)}"
    most = _most(problem, rate)
    if most is None:
        return (
            f"{no_plan} within the limits at any rate, and no one limit alone is to blame: {_all(problem)}; "
            "loosen two of them, or allow more regions and GPUs"
        )
    return (
        f"{no_plan} for {rate:g} requests/s within the limits ({_all(problem)}), and no one of them alone is to blame; "
        f"at most {most:.3g} requests/s fit: lower the rate, loosen two limits, or allow more regions and GPUs"
    )


def _section(name: str) -> str:
    return "policy" if name in ("on_demand_share", "degraded_share") else "limits"


def _all(problem: Problem) -> str:
    return ", ".join(f"{limit.name} {limit.value:g}" for limit in limits_of(problem))


def _most(problem: Problem, rate: float) -> float | None:
    """The largest part of the rate that has a plan, in requests/s."""
    no, yes = 1.0, 0.0
    for _ in range(STEPS):
        middle = (no + yes) / 2
        if _possible(dataclasses.replace(problem, buckets=_scaled(problem.buckets, middle))):
            yes = middle
        else:
            no = middle
    return yes * rate if yes > 0 else None


def _scaled(buckets: Sequence[Bucket], factor: float) -> list[Bucket]:
    return [
        dataclasses.replace(b, requests_per_second=b.requests_per_second * factor) for b in buckets
    ]
