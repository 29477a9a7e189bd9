"""The allocator without Pulumi: `python -m allocator --help`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import date
from pathlib import Path

from allocator.errors import AllocatorError, DataError
from allocator.plan import Plan, canonical_json


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
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
    from allocator.planner import plan_for, price_age
    from allocator.spec import stack_config

    config = stack_config(args.root, args.stack, tuple(args.set))
    plan = plan_for(config, args.root)
    _, warning = price_age(plan, config, args.today)
    if warning:
        print(f"warning: {warning}", file=sys.stderr)
    _show(plan, as_json=args.json)


def _explain(args: argparse.Namespace) -> None:
    """Show a plan that was computed before."""
    try:
        text = sys.stdin.read() if args.file == "-" else Path(args.file).read_text(encoding="utf-8")
        plan = Plan.from_dict(json.loads(text))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"plan {args.file}: not a plan of this program: {error}") from error
    _show(plan, as_json=args.json)


def _mix(args: argparse.Namespace) -> None:
    """Answer a Mélange config."""
    from allocator.melange import read_config, solve, table

    answer = solve(read_config(args.melange))
    for note in answer.notes:
        print(f"warning: {note}", file=sys.stderr)
    print(json.dumps(answer.to_dict()) if args.json else table(answer))


def _show(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print(canonical_json(plan.to_dict()))
        return
    from rich.console import Console

    from allocator.explain import render

    plain = bool(os.environ.get("CI")) or not sys.stdout.isatty()
    render(plan, Console(width=160 if plain else None, no_color=plain or None))


def _parser() -> argparse.ArgumentParser:
    from allocator.replay.command import add_options

    parser = argparse.ArgumentParser(
        prog="python -m allocator",
        description="The cheapest mix of GPUs for a workload, from files alone: no cloud, no network, no account.",
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    plan = verbs.add_parser("plan", help="compute a stack's plan")
    plan.add_argument("--stack", required=True, help="NAME of stacks/Pulumi.NAME.yaml")
    plan.add_argument("--root", type=Path, default=Path.cwd(), help="the project's folder")
    plan.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="override, e.g. workload.requests_per_second=128",
    )  # fmt: skip
    plan.add_argument(
        "--today", type=date.fromisoformat, default=date.today(), metavar="DATE",
        help="the day that the age of prices is counted to (YYYY-MM-DD)",
    )  # fmt: skip
    plan.set_defaults(act=_plan)
    explain = verbs.add_parser("explain", help="show a plan computed before")
    explain.add_argument("file", help="a plan's JSON, - for standard input")
    explain.set_defaults(act=_explain)
    mix = verbs.add_parser("mix", help="the cheapest counts for a config file of Mélange")
    mix.add_argument("--melange", required=True, type=Path, metavar="FILE", help="its JSON")
    mix.set_defaults(act=_mix)
    mix.add_argument("--json", action="store_true", help="for machines: counts, routing, proof")
    add_options(verbs.add_parser("replay", help="replay a policy over recorded spot capacity"))
    for verb in (plan, explain):
        verb.add_argument("--json", action="store_true", help="for machines: the whole plan")
    return parser


if __name__ == "__main__":
    sys.exit(main())
