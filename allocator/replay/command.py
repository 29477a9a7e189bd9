"""`python -m allocator replay`: options in, a table or JSON out."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

from allocator.availability import shortage_price_of
from allocator.errors import DataError
from allocator.plan_file import read_plan
from allocator.replay.inputs import read_demand, snapshot_prices
from allocator.replay.policies import NAMES, Wanted, compared
from allocator.replay.report import run, run_stack, table
from allocator.replay.stack import build_stack, shipped_traces
from allocator.replay.traces import read_traces
from allocator.replay.world import Setting, World, build_world
from reactor.contract import Parameters

_SPOT_PRICE = 0.30
_OF_THE_PLAN = (
    "policy", "extra", "instant_retry", "groups", "target", "demand", "cold_start", "notice", "spot_price", "snapshot",
    "compare", "plot",
)  # fmt: skip
"""Options that a plan answers by itself, or that compare policies for like replicas."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `replay`, and what it does."""
    parser.set_defaults(act=act)
    # fmt: off
    add = parser.add_argument
    add("--plan", metavar="FILE", help="replay this plan's own groups, - for standard input; the mapping: README, allocator.replay.stack")
    add("--traces", nargs="+", default=[], type=Path, metavar="DIR", help="a folder of spot traces, one JSON file per zone; with --plan also several (those of stacks/traces)")
    add("--machine", metavar="GPU_N", help="which machine type, where the folder holds several, e.g. v100_1")
    add("--policy", default="skyblend", metavar="NAME", help=f"{', '.join(NAMES)} (skyblend)")
    add("--extra", type=int, metavar="N", help="replicas held beyond the target (spothedge 2, round-robin 2, even-spread 0)")
    add("--instant-retry", action="store_true", help="spothedge: a refused launch tries the other zones at once")
    add("--groups", choices=("region", "zone"), default="region", help="skyblend: a group per region, as deployed, or per zone")
    add("--target", type=int, metavar="N", help="replicas wanted (4)")
    add("--demand", type=Path, metavar="FILE", help="replicas wanted over time: CSV of seconds,replicas")
    add("--capacity-per-tick", type=int, metavar="K", help="machines for a trace value of 1 (4 for sets of 0 and 1, else 1)")
    add("--cold-start", type=float, metavar="S", help="seconds from launch to ready (183)")
    add("--notice", type=float, metavar="S", help="seconds of warning before a reclaim (120)")
    add("--spot-price", type=float, metavar="R", help="spot price as a share of on-demand (0.30)")
    add("--snapshot", type=Path, metavar="FILE", help="take prices from a market snapshot where it knows the zones")
    add("--shortage-price", type=float, metavar="P", help="skyblend: what an hour without one replica costs, in on-demand prices")
    add("--target-availability", type=float, metavar="A", help="skyblend: the same as a share of time to be served (0.995)")
    add("--compare", action="store_true", help="replay all policies and show them in a table")
    add("--plot", type=Path, metavar="FILE", help="draw capacity over time and cost against availability: .html or .png")
    add("--json", action="store_true", help="for machines")
    # fmt: on


def act(args: argparse.Namespace) -> None:
    """Replay as the options say. Raises DataError, in one line, where an input or an option is impossible."""
    parameters = _parameters(args)
    if args.plan is not None:
        _act_plan(args, parameters)
        return
    from allocator.replay.plot import check_plot, draw

    check_plot(args.plot)
    setting, world = _world(args)
    wanted = Wanted(
        name=args.policy,
        extra=args.extra,
        instant_retry=args.instant_retry,
        zone_groups=args.groups == "zone",
        parameters=parameters,
    )
    if args.compare:
        results = [run(world, setting, each) for each in compared(parameters)]
    else:
        results = [run(world, setting, wanted)]
    if args.plot:
        draw(args.plot, world, setting, wanted, results)
    if args.json:
        shown = [result.to_dict() for result in results]
        print(json.dumps(shown if args.compare else shown[0], allow_nan=False))
    else:
        print(table(world, results))


def _act_plan(args: argparse.Namespace, parameters: Parameters) -> None:
    """A plan's own groups in each set of traces."""
    for name in _OF_THE_PLAN:
        if getattr(args, name) not in (None, False, "skyblend", "region"):
            option = f"--{name.replace('_', '-')}"
            raise DataError(f"{option} does not go with --plan, whose own groups are replayed")
    plan = read_plan(args.plan)
    folders = args.traces or shipped_traces(Path.cwd())
    if not folders:
        raise DataError("stacks/traces holds no traces; name a folder with --traces")
    found = []
    for folder in folders:
        traces = read_traces(folder, machine=args.machine)
        stack = build_stack(plan, traces, parameters, args.capacity_per_tick)
        found.append((stack, run_stack(plan, stack, parameters)))
    if args.json:
        shown = [result.to_dict() for _, result in found]
        print(json.dumps(shown[0] if len(shown) == 1 else shown, allow_nan=False))
        return
    for stack, result in found:
        print(table(stack.world, [result]))
        print("markets: " + "; ".join(str(source) for source in stack.sources))


def _world(args: argparse.Namespace) -> tuple[Setting, World]:
    if len(args.traces) != 1:
        raise DataError("--traces needs one folder of traces; several go with --plan")
    traces = read_traces(args.traces[0], machine=args.machine)
    given = {
        "target": args.target,
        "cold_start_s": args.cold_start,
        "notice_s": 120.0 if args.notice is None else args.notice,
        "capacity_per_tick": args.capacity_per_tick,
    }
    share = _SPOT_PRICE if args.spot_price is None else args.spot_price
    prices: tuple[float, ...] = (share,)
    if args.snapshot:
        prices, unsold = snapshot_prices(args.snapshot, traces, share)
        if unsold:
            print(
                f"warning: {args.snapshot} does not sell {traces.traces[0].machine} on both markets in "
                f"{', '.join(unsold)}: spot at {share:g} of on-demand there (--spot-price)",
                file=sys.stderr,
            )
    setting = Setting(
        **{name: value for name, value in given.items() if value is not None},
        spot_prices=prices,
        demand=read_demand(args.demand) if args.demand else (),
    )
    return setting, build_world(traces, setting)


def _parameters(args: argparse.Namespace) -> Parameters:
    price, target = args.shortage_price, args.target_availability
    if price is not None and target is not None:
        raise DataError("--shortage-price and --target-availability are one setting: give one")
    if target is not None:
        return Parameters(shortage_price=shortage_price_of(target))
    if price is None:
        return Parameters()
    if not (math.isfinite(price) and 0 <= price <= 1e6):
        raise DataError(f"--shortage-price must be 0 to 1000000, is {price}")
    return Parameters(shortage_price=price)
