"""The allocator without Pulumi: `python -m allocator --help`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocator.errors import AllocatorError, SpecError
from allocator.plan import Plan, canonical_json
from allocator.plan_file import read_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from allocator.facts import Fact
    from allocator.inputs import Inputs


MEASURE = ["profile", "measure"]


def main(argv: list[str] | None = None) -> int:
    words = sys.argv[1:] if argv is None else argv
    if words[:2] == MEASURE:
        # Measuring opens sockets and nothing here does: a program of its own takes this one's place.
        os.execv(sys.executable, [sys.executable, "-m", "tools.measure", *words[2:]])
    args = _parser(words[:1]).parse_args(words)
    try:
        args.act(args)
    except AllocatorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    return 0


def _plan(args: argparse.Namespace) -> None:
    """Compute a stack's plan."""
    _, inputs, plan = _planned(args)
    if args.explain:
        _show(plan, args, inputs, _replayed(plan, args))
    else:
        _show(plan, args)


def _planned(args: argparse.Namespace) -> tuple[dict[str, Any], Inputs, Plan]:
    """A stack's configuration, inputs and plan; warns of old prices."""
    from allocator.inputs import read_inputs
    from allocator.planner import plan_from, price_age
    from allocator.spec import stack_config

    config = stack_config(args.root, args.stack, tuple(args.set))
    inputs = read_inputs(config, args.root)
    plan = plan_from(inputs)
    _, warning = price_age(plan, config, args.today)
    if warning:
        _warn(warning)
    return config, inputs, plan


def _explain(args: argparse.Namespace) -> None:
    """Show a plan that was computed before; with a stack also why each pool is there."""
    if args.set and args.stack is None:
        raise SpecError("--set changes a stack's settings: name it with --stack")
    plan = read_plan(args.file)
    if args.stack is None:
        _show(plan, args, more=_replayed(plan, args))
        return
    from allocator.inputs import read_inputs
    from allocator.spec import stack_config
    from allocator.why import made_from_other

    inputs = read_inputs(stack_config(args.root, args.stack, tuple(args.set)), args.root)
    if made_from_other(plan, inputs):
        _warn(
            f"the plan was made from other settings, prices or traffic than stack {args.stack} has now; "
            "what would replace a pool is told for those of now"
        )
    _show(plan, args, inputs, _replayed(plan, args))


def _replayed(plan: Plan, args: argparse.Namespace) -> list[Fact]:
    """A line for each set of traces that the project ships."""
    from allocator.replay.report import stack_fact
    from allocator.replay.stack import shipped_traces

    folders = [] if args.json else shipped_traces(args.root)
    return [stack_fact(plan, folder) for folder in folders]


def _what_if(args: argparse.Namespace) -> None:
    """Plan a stack under other conditions, side by side."""
    from allocator.what_if import Outcome, Question, asked, outcomes, render

    config, inputs, plan = _planned(args)
    wanted = asked(inputs, plan, [Question(*question) for question in args.questions])
    found = list(outcomes(config, args.root, wanted))
    if args.json:
        shown = [outcome.to_dict() for outcome in (Outcome("now", plan, ""), *found)]
        print(canonical_json(shown))
        return
    render(plan, found, _console())


def _mix(args: argparse.Namespace) -> None:
    """Answer a Mélange config."""
    from allocator.melange import read_config, solve, table

    answer = solve(read_config(args.melange))
    for note in answer.notes:
        print(f"warning: {note}", file=sys.stderr)
    print(json.dumps(answer.to_dict()) if args.json else table(answer))


def _show(
    plan: Plan, args: argparse.Namespace, inputs: Inputs | None = None, more: Sequence[Fact] = ()
) -> None:
    """Print a plan and more lines of it; with its inputs also why each pool is there."""
    if args.json and inputs is None:
        print(canonical_json(plan.to_dict()))
        return
    if inputs is None:
        from allocator.explain import render

        render(plan, _console(), more)
        return
    from allocator.why import reasons, render_reason

    if args.json:
        why = [reason.to_dict() for reason in reasons(plan, inputs)]
        print(canonical_json({"plan": plan.to_dict(), "why": why}))
        return
    from allocator.explain import render

    console = _console()
    render(plan, console, more)
    for reason in reasons(plan, inputs):
        render_reason(reason, plan, console)


def _console() -> Console:
    from rich.console import Console

    plain = bool(os.environ.get("CI")) or not sys.stdout.isatty()
    return Console(width=160 if plain else None, no_color=plain or None)


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)


def _parser(asked: list[str]) -> argparse.ArgumentParser:
    """Every verb; the options of those that take long to load only where they are asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m allocator",
        description="The cheapest mix of GPUs for a workload, from files alone: no cloud, no network, no account.",
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    plan = verbs.add_parser("plan", help="compute a stack's plan")
    plan.add_argument("--explain", action="store_true", help="also why each pool is there")
    plan.set_defaults(act=_plan)
    explain = verbs.add_parser(
        "explain", help="show a plan computed before; with --stack also why each pool is there"
    )
    explain.add_argument("file", help="a plan's JSON, - for standard input")
    explain.set_defaults(act=_explain)
    what_if = verbs.add_parser(
        "what-if",
        help="a stack's plan beside those at other rates, SLOs, survival, without something",
    )
    _add_what_if(what_if)
    for verb in (plan, what_if):
        verb.add_argument(
            "--today", type=date.fromisoformat, default=date.today(), metavar="DATE",
            help="the day that the age of prices is counted to (YYYY-MM-DD)",
        )  # fmt: skip
    for verb in (plan, explain, what_if):
        _stack_options(verb, required=verb is not explain)
    mix = verbs.add_parser("mix", help="the cheapest counts for a config file of Mélange")
    mix.add_argument("--melange", required=True, type=Path, metavar="FILE", help="its JSON")
    mix.set_defaults(act=_mix)
    mix.add_argument("--json", action="store_true", help="for machines: counts, routing, proof")
    replay = verbs.add_parser("replay", help="replay a policy over recorded spot capacity")
    profile = verbs.add_parser("profile", help="measured tables, the performance model")
    workload = verbs.add_parser("workload", help="histograms from logs")
    if asked == ["replay"]:
        from allocator.replay.command import add_options as add_replay_options

        add_replay_options(replay)
    if asked == ["profile"]:
        from allocator.profile.command import add_options as add_profile_options

        add_profile_options(profile)
    if asked == ["workload"]:
        from allocator.workload.command import add_options as add_workload_options

        add_workload_options(workload, _console)
    for verb in (plan, explain, what_if):
        verb.add_argument("--json", action="store_true", help="for machines: the whole plan")
    return parser


def _add_what_if(verb: argparse.ArgumentParser) -> None:
    """Each option is one alternative, and may be repeated; without any the usual ones are shown."""
    for kind, words, meaning in (
        ("what-if", "KEY=VALUE", "rate=1.5x, rate=96, nodes_per_pool=8, or any section.key=value"),
        ("without", "NAME", "leave out a GPU, a cloud or a region (aws-us-east-1)"),
        ("survive", "LEVEL", "none, region or cloud"),
        ("slo", "KEY=VALUE", "tpot_ms=40, ttft_ms=2000 or headroom=0.7"),
    ):
        verb.add_argument(
            f"--{kind}", action="append", dest="questions", default=[], metavar=words, help=meaning,
            type=partial(_question, kind),
        )  # fmt: skip
    verb.set_defaults(act=_what_if)


def _question(kind: str, text: str) -> tuple[str, str]:
    return kind, text


def _stack_options(verb: argparse.ArgumentParser, *, required: bool = True) -> None:
    verb.add_argument("--stack", required=required, help="NAME of stacks/Pulumi.NAME.yaml")
    verb.add_argument("--root", type=Path, default=Path.cwd(), help="the project's folder")
    verb.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="override, e.g. workload.requests_per_second=128",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
