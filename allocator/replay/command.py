"""`python -m allocator replay`: options in, a table or JSON out."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

from allocator.errors import DataError
from allocator.replay.inputs import read_demand, snapshot_prices
from allocator.replay.policies import NAMES, Wanted, compared
from allocator.replay.report import run, table
from allocator.replay.traces import read_traces
from allocator.replay.world import Setting, World, build_world
from reactor.contract import Parameters


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `replay`, and what it does."""
    parser.set_defaults(act=act)
    # fmt: off
    add = parser.add_argument
    add("--traces", required=True, type=Path, metavar="DIR", help="a folder of spot traces, one JSON file per zone")
    add("--machine", metavar="GPU_N", help="which machine type, where the folder holds several, e.g. v100_1")
    add("--policy", default="skyblend", metavar="NAME", help=f"{', '.join(NAMES)} (skyblend)")
    add("--extra", type=int, metavar="N", help="replicas held beyond the target (spothedge 2, round-robin 2, even-spread 0)")
    add("--instant-retry", action="store_true", help="spothedge: a refused launch tries the other zones at once")
    add("--groups", choices=("region", "zone"), default="region", help="skyblend: a group per region, as deployed, or per zone")
    add("--target", type=int, default=4, metavar="N", help="replicas wanted (4)")
    add("--demand", type=Path, metavar="FILE", help="replicas wanted over time: CSV of seconds,replicas")
    add("--capacity-per-tick", type=int, metavar="K", help="machines for a trace value of 1 (4 for sets of 0 and 1, else 1)")
    add("--cold-start", type=float, default=183.0, metavar="S", help="seconds from launch to ready (183)")
    add("--notice", type=float, default=120.0, metavar="S", help="seconds of warning before a reclaim (120)")
    add("--spot-price", type=float, default=0.30, metavar="R", help="spot price as a share of on-demand (0.30)")
    add("--snapshot", type=Path, metavar="FILE", help="take prices from a market snapshot where it knows the zones")
    add("--shortage-price", type=float, metavar="P", help="skyblend: what an hour without one replica costs, in on-demand prices")
    add("--compare", action="store_true", help="replay all policies and show them in a table")
    add("--plot", type=Path, metavar="FILE", help="draw capacity over time and cost against availability: .html or .png")
    add("--json", action="store_true", help="for machines")
    # fmt: on


def act(args: argparse.Namespace) -> None:
    """Replay as the options say. Raises DataError, in one line, where an input or an option is impossible."""
    from allocator.replay.plot import check_plot, draw

    check_plot(args.plot)
    setting, world = _world(args)
    parameters = _parameters(args.shortage_price)
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


def _world(args: argparse.Namespace) -> tuple[Setting, World]:
    traces = read_traces(args.traces, machine=args.machine)
    prices: tuple[float, ...] = (args.spot_price,)
    if args.snapshot:
        prices = snapshot_prices(args.snapshot, traces, args.spot_price)
    setting = Setting(
        target=args.target,
        cold_start_s=args.cold_start,
        notice_s=args.notice,
        spot_prices=prices,
        capacity_per_tick=args.capacity_per_tick,
        demand=read_demand(args.demand) if args.demand else (),
    )
    return setting, build_world(traces, setting)


def _parameters(shortage_price: float | None) -> Parameters:
    if shortage_price is None:
        return Parameters()
    if not (math.isfinite(shortage_price) and 0 <= shortage_price <= 1e6):
        raise DataError(f"--shortage-price must be 0 to 1000000, is {shortage_price}")
    return Parameters(shortage_price=shortage_price)
