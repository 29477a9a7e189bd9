"""Verbs of the command line that make the clouds' weather: machines taken, faults, recorded stock; and what it led to."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from sandbox import faults, logs, trace
from sandbox.clouds import CLOUDS
from sandbox.keys import stock_keys, unknown
from sandbox.leftovers import tagged
from sandbox.machines import MACHINE
from sandbox.market import SPOT
from sandbox.preempt import take
from sandbox.sold import Mistake, sold
from sandbox.world import World

_SHARES = ("errors", "throttles")
_NUMBERS = ("delay_ms", "jitter_ms", "copies", "mute", "seed")
_FAULTS = """errors, throttles [CLOUD=]SHARE of API calls; dead CLOUD[/REGION]; function CLOUD[/ID] does not start;
kill CLOUD/ACTION[=TIMES]: functions die when this call is carried out; events: delay_ms, jitter_ms, copies, mute, seed"""


def take_machines(world: World, args: argparse.Namespace) -> int:
    """Take spot machines back, as a cloud does: notice first, then the kill."""
    with world.change():
        found = [
            m
            for m in (tagged(world, args.tag) if args.tag else world.all(kind=MACHINE))
            if m.kind == MACHINE
            and (m.body["market"], m.body["deadline"]) == (SPOT, None)
            and args.cloud in ("", m.cloud)
            and args.region in ("", m.region)
            and args.zone in ("", m.body["zone"])
        ][: args.count]
        take(world, found, args.lead)
    for m in found:
        print(f"{m.cloud:<6} {m.body['zone']:<16} {m.body['instance_type']:<26} {m.id}")
    return 0


def set_fault(world: World, args: argparse.Namespace) -> int:
    """Make API calls, functions, regions, clouds or the delivery of events fail; `none` takes all back."""
    with world.change():
        if args.fault == "none":
            faults.none(world)
            return 0
        for name, value in _settings(args.fault, args.value):
            world.set_setting(name, value)
            print(f"{name} = {value}")
    return 0


def _settings(fault: str, value: str) -> list[tuple[str, str]]:
    """The settings behind a fault, with their values."""
    place, _, amount = value.rpartition("=") if fault in _SHARES else value.partition("=")
    if fault in (*_SHARES, *_NUMBERS):
        _check_number(fault, amount if fault in _SHARES else value)
    if fault in _NUMBERS:
        return [(f"bus/{fault}", value)]
    cloud, _, rest = place.partition("/")
    if (cloud or fault not in _SHARES) and cloud not in CLOUDS:
        raise Mistake(unknown(cloud, CLOUDS))
    if fault in _SHARES:
        return [(f"fault/{one}/{fault}", amount) for one in ([cloud] if cloud else CLOUDS)]
    whole = fault == "dead" and not rest
    return [(f"fault/{cloud}/dead" if whole else f"fault/{cloud}/{fault}/{rest}", amount or "1")]


def _check_number(fault: str, text: str) -> None:
    most = 1.0 if fault in _SHARES else float("inf")
    try:
        good = 0 <= float(text) <= most
    except ValueError:
        good = False
    if not good:
        raise Mistake(f"fault {fault}: {text!r} is not a number from 0 to {most:g}")


def follow_traces(world: World, args: argparse.Namespace) -> int:
    """Let the spot stock of zones follow recordings; what is above it is taken."""
    zones = {key for key in stock_keys(sold(world), SPOT) if key.count("/") == 2}
    for pair in args.zones:
        zone, _, file = pair.partition("=")
        if zone not in zones:
            raise Mistake(unknown(zone, zones))
        if not file:
            trace.forget(world, zone)
            continue
        try:
            trace.follow(world, zone, Path(file), machines=args.machines, skip_s=args.skip)
        except (OSError, ValueError) as error:
            raise Mistake(f"trace {file}: {error}") from error
    return 0


def show_logs(world: World, args: argparse.Namespace) -> int:
    """Show what functions have printed."""
    position = 0
    while True:
        for row, line in logs.read(world, args.cloud, args.name, position):
            position = row
            print(line, flush=True)
        if not args.follow:
            return 0
        time.sleep(0.2)


def add_verbs(verb: Callable[[str, object], argparse.ArgumentParser]) -> None:
    """Add these verbs to the command line."""
    taken = verb("take", take_machines)
    taken.add_argument("--tag", default="", help="KEY=VALUE: only what carries it")
    for name in ("cloud", "region", "zone"):
        taken.add_argument(f"--{name}", default="")
    taken.add_argument("--count", type=int, help="at most so many (default: all)")
    taken.add_argument("--lead", type=float, help="seconds from notice to kill, if not the cloud's")
    fault = verb("fault", set_fault)
    fault.add_argument("fault", choices=(*_SHARES, "dead", "function", "kill", *_NUMBERS, "none"))
    fault.add_argument("value", nargs="?", default="", help=_FAULTS)
    followed = verb("trace", follow_traces)
    followed.add_argument("zones", nargs="+", help="CLOUD/REGION/ZONE=FILE; without a file it ends")
    followed.add_argument("--machines", type=int, default=4, help="for each that was to be had")
    followed.add_argument("--skip", type=float, default=0.0, help="seconds into the recording")
    shown = verb("logs", show_logs)
    shown.add_argument("--cloud", choices=CLOUDS, default="")
    shown.add_argument("--name", default="", help="of the log")
    shown.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
