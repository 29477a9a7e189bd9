"""The same stack under other conditions, side by side: rate, SLO, survival, without a GPU, a cloud or a region."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from allocator.errors import InfeasibleError, SpecError, unknown
from allocator.inputs import Inputs, read_inputs
from allocator.plan import Plan
from allocator.planner import plan_from
from allocator.snapshot import USD_MICRO
from allocator.spec import SloSpec, Spec, override_section

LEVELS = ("none", "region", "cloud")
ROWS = ("$/h", "change", "fallback $/h", "nodes", "regions", "clouds", "pools that differ", "gap")
SLO = {key: f"service.slo.{key}" for key in SloSpec.model_fields}
SHORT = {
    "rate": "workload.requests_per_second",
    **SLO,
    **{
        key: f"{section}.{key}"
        for section, field in Spec.model_fields.items()
        for key in field.annotation.model_fields  # type: ignore[union-attr]
    },
}
"""Keys that need no section."""


@dataclass(frozen=True, slots=True)
class Question:
    """One option of the command line: its kind and its words."""

    kind: Literal["what-if", "slo", "survive", "without"]
    text: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """A changed condition: what it is called, and the override that makes it (`section.key=value`), or what is left out."""

    name: str
    override: str = ""
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


def asked(base: Inputs, plan: Plan, questions: Sequence[Question]) -> list[Alternative]:
    """The alternatives of a command line; the usual ones where it names none. Raises SpecError."""
    return [_alternative(question, base) for question in questions or _usual(base, plan)]


def _usual(base: Inputs, plan: Plan) -> list[Question]:
    """Half and twice the rate, the levels of survival beside the stack's, and without the GPU of the largest bill."""
    at = LEVELS.index(base.spec.policy.survive)
    bills: Counter[str] = Counter()
    for pool in plan.decisions.pools:
        bills[pool.gpu] += pool.nodes * pool.price_usd_micro_per_hour
    dearest = min(bills, key=lambda gpu: (-bills[gpu], gpu))
    return [
        Question("what-if", "rate=0.5x"),
        Question("what-if", "rate=2x"),
        *(Question("survive", LEVELS[n]) for n in (at - 1, at + 1) if 0 <= n < len(LEVELS)),
        Question("without", dearest),
    ]


def _alternative(question: Question, base: Inputs) -> Alternative:
    kind, text = question.kind, question.text
    if kind == "without":
        name = _known(text, base)
        return Alternative(f"without {name}", without=name)
    if kind == "survive":
        if text not in LEVELS:
            raise SpecError(f"--survive: {unknown('level', text, LEVELS)}")
        return Alternative(f"survive {text}", f"policy.survive={text}")
    key, separator, value = text.partition("=")
    if not separator or not value:
        raise SpecError(
            f"cannot read --{kind} {text!r}; write "
            + ("tpot_ms=40" if kind == "slo" else "rate=1.5x, rate=96 or limits.nodes_per_pool=8")
        )
    names = SLO if kind == "slo" else SHORT
    if key not in names and (kind == "slo" or "." not in key):
        raise SpecError(f"--{kind}: {unknown('key', key, names)}")
    path = names.get(key, key)
    return Alternative(text, f"{path}={_value(path, value, base.spec)}")


def _value(path: str, value: str, spec: Spec) -> str:
    """As it was given, or for `1.5x` so many times what the stack has."""
    times = re.fullmatch(r"(\d+\.?\d*|\.\d+)x", value)
    if times is None:
        if path == SHORT["rate"] and not re.fullmatch(r"[-+\d.eE]+", value):
            raise SpecError(f"cannot read rate {value!r}; write 1.5x or 96")
        return value
    here: Any = spec
    for step in path.split("."):
        here = getattr(here, step, None)
    if isinstance(here, bool) or not isinstance(here, int | float):
        raise SpecError(f"cannot take {value} of {path}: the stack gives no number there")
    new = float(times[1]) * here
    return str(round(new)) if isinstance(here, int) else repr(new)


def _known(name: str, base: Inputs) -> str:
    """A GPU, a cloud or a region's key that the stack's market has, in any case of letters."""
    known = {each: each.lower() for c in base.candidates for each in (c.shape.gpu, c.cloud, c.cell)}
    for each, lower in known.items():
        if name.lower() == lower:
            return each
    raise SpecError(f"--without: {unknown('GPU, cloud or region', name, known)}")


def outcomes(
    config: Mapping[str, Any], root: Path, alternatives: Sequence[Alternative]
) -> Iterator[Outcome]:
    """Each alternative's plan, in order; a value that the spec refuses is told before anything is solved (SpecError)."""
    read = [_inputs(config, root, alternative) for alternative in alternatives]
    for alternative, inputs in zip(alternatives, read, strict=True):
        if isinstance(inputs, Outcome):
            yield inputs
            continue
        try:
            yield Outcome(alternative.name, plan_from(inputs), "")
        except InfeasibleError as error:
            yield Outcome(alternative.name, None, str(error))


def _inputs(config: Mapping[str, Any], root: Path, alternative: Alternative) -> Inputs | Outcome:
    sections = copy.deepcopy(dict(config))
    if alternative.override:
        override_section(sections, alternative.override)
    try:
        return read_inputs(sections, root, without=alternative.without)
    except InfeasibleError as error:
        return Outcome(alternative.name, None, str(error))
    except SpecError as error:
        raise SpecError(f"{alternative.name}: {error}") from error


def render(base: Plan, found: Sequence[Outcome], console: Console) -> None:
    """Print the outcomes beside the base plan; then what each buys otherwise, or why it has no plan."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for name in ("now", *(outcome.name for outcome in found)):
        table.add_column(name, justify="right", overflow="fold", min_width=9)
    columns = [["-"] * len(ROWS) if o.plan is None else _cells(o.plan, base) for o in found]
    for name, *cells in zip(ROWS, _cells(base, base), *columns, strict=True):
        table.add_row(name, *cells)
    console.print(table)
    for outcome in found:
        lines = [outcome.problem] if outcome.plan is None else _steps(outcome.plan, base)
        console.print(Text(f"\n{outcome.name}"))
        for line in lines:
            console.print(Text(f"  {line}"), soft_wrap=True)


def _steps(plan: Plan, base: Plan) -> list[str]:
    """The pools that differ: "  16 -> 4    aws-us-east-1-l4x1-tp1-spot"."""
    here, there = _nodes(plan), _nodes(base)
    differing = [key for key in sorted(here | there) if here.get(key) != there.get(key)]
    given = [f"given up: {r.limit} {r.asked} -> {r.given}" for r in plan.decisions.relaxed]
    steps = [f"{there.get(key, 0):>4} -> {here.get(key, 0):<4} {key}" for key in differing]
    return [*given, *steps] or ["the same nodes"]


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
