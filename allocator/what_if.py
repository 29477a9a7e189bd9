"""The same stack under other conditions, side by side: rate, SLO, survival, without a GPU, a cloud or a region."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from allocator.errors import AllocatorError, SpecError, unknown
from allocator.inputs import Inputs, read_inputs
from allocator.plan import Plan
from allocator.planner import plan_from
from allocator.snapshot import USD_MICRO
from allocator.spec import override_section

LEVELS = ("none", "region", "cloud")
ROWS = ("$/h", "change", "fallback $/h", "nodes", "regions", "clouds", "other pools", "gap")


@dataclass(frozen=True, slots=True)
class Alternative:
    """A changed condition: what it is called, and the overrides that make it (`section.key=value`)."""

    name: str
    overrides: tuple[str, ...] = ()
    without: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An alternative's plan, or in one line why there is none."""

    name: str
    plan: Plan | None
    problem: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "name": self.name,
            "plan": None if self.plan is None else self.plan.to_dict(),
            "problem": self.problem,
        }


def asked(
    base: Inputs, plan: Plan, changes: Sequence[str], without: Sequence[str], survive: Sequence[str]
) -> list[Alternative]:
    """The alternatives of a command line; the usual ones where it names none. Raises SpecError.

    changes: `rate=1.5x`, `rate=96`, `tpot_ms=40`, or `section.key=value`. without: a GPU, a cloud or a region's key.
    """
    rate = base.spec.workload.requests_per_second
    made = [_changed(text, rate) for text in changes]
    made += [Alternative(f"without {name}", without=_known(name, base)) for name in without]
    for level in survive:
        if level not in LEVELS:
            raise SpecError(unknown("survival level", level, LEVELS))
        made.append(Alternative(f"survive {level}", (f"policy.survive={level}",)))
    return made or _usual(base, plan)


def _usual(base: Inputs, plan: Plan) -> list[Alternative]:
    """Half and twice the rate, the levels of survival beside the stack's, and without the GPU of the largest bill."""
    rate = base.spec.workload.requests_per_second
    at = LEVELS.index(base.spec.policy.survive)
    levels = [LEVELS[n] for n in (at - 1, at + 1) if 0 <= n < len(LEVELS)]
    bills: Counter[str] = Counter()
    for pool in plan.decisions.pools:
        bills[pool.gpu] += pool.nodes * pool.price_usd_micro_per_hour
    dearest = min(bills, key=lambda gpu: (-bills[gpu], gpu))
    return [
        _changed("rate=0.5x", rate),
        _changed("rate=2x", rate),
        *(Alternative(f"survive {level}", (f"policy.survive={level}",)) for level in levels),
        Alternative(f"without {dearest}", without=dearest),
    ]


def _changed(text: str, rate: float) -> Alternative:
    key, separator, value = text.partition("=")
    if not separator or not value:
        raise SpecError(
            f"cannot read what-if {text!r}; write rate=1.5x, tpot_ms=40 or limits.nodes_per_pool=8"
        )
    if key == "rate":
        times = re.fullmatch(r"([0-9.]+)x", value)
        try:
            new = float(times[1]) * rate if times else float(value)
        except ValueError:
            raise SpecError(f"cannot read rate {value!r}; write 1.5x or 96") from None
        return Alternative(text, (f"workload.requests_per_second={new!r}",))
    if key in ("tpot_ms", "ttft_ms", "headroom"):
        return Alternative(text, (f"service.slo.{key}={value}",))
    if "." not in key:
        raise SpecError(unknown("what-if", key, ("rate", "tpot_ms", "ttft_ms", "headroom")))
    return Alternative(text, (text,))


def _known(name: str, base: Inputs) -> str:
    """A GPU, a cloud or a region's key that the stack's market has."""
    known = {c.shape.gpu for c in base.candidates} | {c.cloud for c in base.candidates}
    known |= {c.cell for c in base.candidates}
    if name not in known:
        raise SpecError(unknown("GPU, cloud or region", name, known))
    return name


def outcomes(
    config: Mapping[str, Any], root: Path, base: Plan, alternatives: Sequence[Alternative]
) -> list[Outcome]:
    """The base plan and each alternative's, in order."""
    result = [Outcome("now", base, "")]
    for alternative in alternatives:
        try:
            result.append(Outcome(alternative.name, _planned(config, root, alternative), ""))
        except AllocatorError as error:
            result.append(Outcome(alternative.name, None, str(error)))
    return result


def _planned(config: Mapping[str, Any], root: Path, alternative: Alternative) -> Plan:
    sections = {name: _copied(value) for name, value in config.items()}
    for override in alternative.overrides:
        override_section(sections, override)
    return plan_from(read_inputs(sections, root, without=alternative.without))


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return list(value) if isinstance(value, list) else value


def render(found: Sequence[Outcome], console: Console) -> None:
    """Print the outcomes side by side, then why some have no plan."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for outcome in found:
        table.add_column(outcome.name, justify="right", no_wrap=True)
    base = found[0].plan
    columns = [
        ["-"] * len(ROWS) if o.plan is None or base is None else _cells(o.plan, base) for o in found
    ]
    for name, *cells in zip(ROWS, *columns, strict=True):
        table.add_row(name, *cells)
    console.print(table)
    for outcome in found:
        if outcome.problem:
            console.print(Text(f"{outcome.name}: {outcome.problem}"), soft_wrap=True)


def _usd(micro: int) -> str:
    return f"${micro / USD_MICRO:.2f}"


def _change(plan: Plan, base: Plan) -> str:
    if plan is base:
        return ""
    part = plan.money.hourly_usd_micro / base.money.hourly_usd_micro - 1
    return f"{100 * part:+.1f} %"


def _nodes(plan: Plan) -> dict[str, int]:
    return {pool.key: pool.nodes for pool in plan.decisions.pools if pool.nodes}


def _differing(plan: Plan, base: Plan) -> str:
    here, there = _nodes(plan), _nodes(base)
    return str(sum(here.get(key) != there.get(key) for key in here.keys() | there.keys()))


def _regions(plan: Plan) -> set[tuple[str, str]]:
    return {(pool.cloud, pool.region) for pool in plan.decisions.pools if pool.nodes}


def _cells(plan: Plan, base: Plan) -> list[str]:
    return [
        _usd(plan.money.hourly_usd_micro),
        _change(plan, base),
        _usd(plan.money.expected_fallback_usd_micro),
        str(sum(_nodes(plan).values())),
        str(len(_regions(plan))),
        str(len({cloud for cloud, _ in _regions(plan)})),
        _differing(plan, base),
        f"{100 * plan.proof.relative_gap:.2f} %",
    ]
