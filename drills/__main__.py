"""Outages on the deployed sandbox stack: `python -m drills outage --region us-east-2`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from drills.circumstances import Circumstances, applied
from drills.dispatches import taking
from drills.outage import Script, play
from drills.plot import check_plot, draw
from drills.scene import DrillError, Scene, largest_region, read_scene
from drills.summary import summarize, timeline
from drills.watch import watching
from drills.watchers import Watchers
from sandbox.market import Market
from sandbox.server import running
from sandbox.world import World

STATE = Path(".state/clouds.db")
_SPEED = 20.0


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        check_plot(args.plot)
        return _outage(args)
    except DrillError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _outage(args: argparse.Namespace) -> int:
    if not args.state.exists():
        raise DrillError(f"no emulated clouds in {args.state}; make up")
    world = World(args.state, _market(args.state))
    try:
        scene = read_scene(world, args.stack)
        script = _script(args, scene, largest_region(world, scene))
        circumstances = Circumstances(
            errors=args.errors, throttles=args.throttles, copies=args.copies,
            jitter_ms=args.jitter_ms, mute=args.mute, reactor_off=args.reactor == "off",
            dead_region=args.dead_region, trace=args.trace, boot_s=max(g.cold_start_s for g in scene.groups),
        )  # fmt: skip
        with (
            running(world, args.speed) as clouds,
            closing(Watchers(clouds, scene)) as watchers,
            applied(world, scene, circumstances),
            taking(scene, clouds.attach if args.replan else None),
            watching(world, scene) as watch,
        ):
            played = play(world, scene, watch, script, watchers.keep_up)
    finally:
        world.close()
    summary = summarize(scene, watch, played)
    if args.plot:
        draw(args.plot, scene, watch, played)
    if not args.json:
        print("\n".join(timeline(scene, watch, played)))
        print()
        for name, value in asdict(summary).items():
            print(f"{name:<22} {json.dumps(value)}")
        return 0
    print(json.dumps(asdict(summary)))
    return 0


def _script(args: argparse.Namespace, scene: Scene, largest: str) -> Script:
    if args.cloud:
        regions = sorted({f"{g.cloud}-{g.region}" for g in scene.groups if g.cloud == args.cloud})
        if not regions:
            raise DrillError(f"stack {scene.stack} has nothing in {args.cloud}")
        return Script(tuple(regions), gap_s=0.0, dry_s=args.dry_s, most_s=_most(args))
    regions = [args.region or largest, *filter(None, [args.second_region])]
    for region in regions:
        scene.region(region)
    return Script(tuple(regions), dry_s=args.dry_s, most_s=_most(args))


def _most(args: argparse.Namespace) -> float | None:
    """Without reactors nothing brings a stack back."""
    return args.dry_s + 1800.0 if args.reactor == "off" else None


def _market(state: Path) -> Market:
    """What the clouds of this state file sell."""
    world = World(state, Market([]))
    try:
        named = world.setting("market", "")
    finally:
        world.close()
    try:
        return Market.load(Path(named))
    except (OSError, ValueError) as error:
        raise DrillError(f"market file {named or '(none)'}: {error}; make up") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m drills", description=__doc__)
    outage = parser.add_subparsers(required=True, metavar="DRILL").add_parser(
        "outage", help="a region loses its spot machines and for a while its spot market"
    )
    add = outage.add_argument
    add("--stack", default="sandbox")
    add("--state", type=Path, default=STATE, help=f"state file of the clouds (default {STATE})")
    add("--region", help="which region; default: the one with the largest share")
    add("--second-region", help="lost too before the first is back")
    add("--cloud", choices=("aws", "azure", "gcp"), help="all regions of a cloud at once")
    add(
        "--dry-s",
        type=float,
        default=1500.0,
        help="how long the spot market is gone, in the clouds' seconds",
    )
    add("--speed", type=float, default=_SPEED, help="the clouds' seconds per real second")
    add("--trace", type=Path, help="recorded spot stock that the other regions follow meanwhile")
    add("--reactor", choices=("on", "off"), default="on")
    add("--replan", action="store_true", help="a request for a new plan starts a real pulumi up")
    add("--errors", type=float, default=0.0, help="share of control calls that fail")
    add("--throttles", type=float, default=0.0, help="share of control calls that are throttled")
    add("--copies", type=int, default=1, help="how often every event is delivered")
    add(
        "--jitter-ms",
        type=float,
        default=0.0,
        help="events are late by up to so much, so that they overtake each other",
    )
    add("--mute", action="store_true", help="no event at all but the timer")
    add("--dead-region", help="a region whose control plane, functions included, does not answer")
    add("--plot", type=Path, help="draw it, FILE.png or FILE.svg")
    add("--json", action="store_true", help="one object on one line")
    return parser


if __name__ == "__main__":
    sys.exit(main())
