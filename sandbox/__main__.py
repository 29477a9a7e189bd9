"""Three emulated clouds on this machine: `python -m sandbox --help`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

from sandbox.keys import quota_keys, stock_keys, unknown
from sandbox.leftovers import leftovers, remove
from sandbox.market import Market
from sandbox.server import running, settle
from sandbox.sold import Mistake, load, remember, sold
from sandbox.status import render, status
from sandbox.trouble import add_verbs
from sandbox.world import World

STATE = Path(".state/clouds.db")
_RESET = "reset"


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        code = _act(args)
        sys.stdout.flush()
    except Mistake as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 1
    except sqlite3.Error as error:
        print(
            f"error: state file {args.state}: {error}; remove it or name another", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of `status | head -1` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _act(args: argparse.Namespace) -> int:
    market = load(args.market) if args.market else Market([])
    try:
        args.state.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Mistake(f"state file {args.state}: {error.strerror}") from error
    world = World(args.state, market)
    try:
        if args.market:
            remember(world, args.market)
        code: int = args.act(world, args)
    finally:
        world.close()
    return code


def _serve(world: World, args: argparse.Namespace) -> int:
    """Serve until interrupted; print what to export for a Pulumi engine."""
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with running(world, args.speed) as clouds:
        for name, value in clouds.attach.items():
            print(f"export {name}={value}")
        print("# serving; end with Ctrl-C", flush=True)
        done.wait()
    return 0


def _run(world: World, args: argparse.Namespace) -> int:
    """Run a command whose Pulumi engine meets the emulated clouds; its exit code is the answer.

    If it went well, the clouds are given the time they need for what it asked of them.
    """
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    if not command:
        print("error: nothing to run; try python -m sandbox run -- pulumi preview", file=sys.stderr)
        return 1
    with running(world, args.speed) as clouds:
        try:
            child = subprocess.Popen(command, env=os.environ | clouds.attach)
        except OSError as error:
            print(f"error: cannot run {command[0]}: {error.strerror}", file=sys.stderr)
            return 127
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the child, in the same terminal, gets it too
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        code = child.wait()
        if code == 0:
            settle(clouds)
        return code


def _status(world: World, args: argparse.Namespace) -> int:
    """Show groups and machines."""
    facts = status(world, args.tag)
    print(json.dumps(facts, indent=2) if args.json else render(facts))
    return 0


def _stock(world: World, args: argparse.Namespace) -> int:
    """Set how many machines of a type a zone has to sell, or of each type a zone or region; `all` sets the default."""
    if args.sale == "all":
        return _set(world, "stock", args.count)
    keys = stock_keys(sold(world), args.market_kind)
    if args.sale not in keys:
        raise Mistake(unknown(args.sale, keys))
    return _set(world, f"stock/{args.sale}/{args.market_kind}", args.count)


def _quota(world: World, args: argparse.Namespace) -> int:
    """Set how many vCPUs of a quota family may run in a region."""
    keys = quota_keys(sold(world))
    if args.quota not in keys:
        raise Mistake(unknown(args.quota, keys))
    return _set(world, f"quota/{args.quota}", args.count)


def _set(world: World, name: str, count: str) -> int:
    with world.change():
        world.set_setting(name, None if count == _RESET else count)
    print(f"{name} = {count}")
    return 0


def _object(world: World, args: argparse.Namespace) -> int:
    """Print an object of an emulated store, by its URL: s3://BUCKET/NAME, gs://BUCKET/NAME, https://ACCOUNT.../CONTAINER/NAME."""
    bucket, _, name = args.url.partition("://")[2].partition("/")
    found = [
        body
        for held, path, body in world.sql("select bucket, name, body from objects order by version")
        if f"{held}/{path}".endswith(f"{bucket.partition('.')[0]}/{name}")
    ]
    if not found:
        raise Mistake(f"there is no object {args.url}")
    sys.stdout.buffer.write(found[-1])
    return 0


def _count(text: str) -> str:
    return text if text == _RESET else str(int(text))


def _leftovers(world: World, args: argparse.Namespace) -> int:
    """List what carries a tag but is not among the known ids; with --remove, delete it."""
    try:
        known = json.loads(args.known.read_text()) if args.known else []
    except (OSError, ValueError) as error:
        raise Mistake(f"known ids in {args.known}: {error}") from error
    found = leftovers(world, args.tag, known)
    for record in found:
        print(f"{record.cloud:<6} {record.region:<15} {record.kind:<40} {record.name or record.id}")
    if not args.remove:
        return 0
    stuck = remove(world, found)
    for record in stuck:
        print(f"error: {record.kind} {record.id} is still in use", file=sys.stderr)
    return 1 if stuck else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="AWS, GCP and Azure as far as a Pulumi program needs them, on loopback: real state, real "
        "refusals, no account. Everything is kept in the state file.",
    )
    parser.add_argument("--state", type=Path, default=STATE, help=f"state file (default {STATE})")
    parser.add_argument("--market", type=Path, help="snapshot of what the clouds sell (JSON)")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, act: object) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=(act.__doc__ or "").strip().split("\n")[0])
        added.set_defaults(act=act)
        return added

    served, run = verb("serve", _serve), verb("run", _run)
    for started in (served, run):
        started.add_argument("--speed", type=float, default=1.0, help="of the clouds' clock")
    run.add_argument("command", nargs=argparse.REMAINDER, help="-- COMMAND ...")
    shown = verb("status", _status)
    shown.add_argument("--json", action="store_true", help="for machines")
    shown.add_argument("--tag", default="", help="KEY=VALUE: only what carries it")
    stock = verb("stock", _stock)
    stock.add_argument("sale", help="CLOUD/REGION[/ZONE[/TYPE]], or all")
    stock.add_argument("market_kind", choices=("spot", "on_demand"), nargs="?", default="spot")
    stock.add_argument("count", type=_count, help="machines, or reset")
    quota = verb("quota", _quota)
    quota.add_argument("quota", help="CLOUD/REGION/FAMILY")
    verb("object", _object).add_argument("url", help="s3://..., gs://... or https://...")
    quota.add_argument("count", type=_count, help="vCPUs, or reset")
    add_verbs(verb)
    left = verb("leftovers", _leftovers)
    left.add_argument("--tag", required=True, help="KEY=VALUE")
    left.add_argument("--known", type=Path, help="JSON list of the ids that somebody accounts for")
    left.add_argument("--remove", action="store_true", help="delete what is listed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
