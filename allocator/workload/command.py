"""`python -m allocator workload VERB`: options in, a workload's file and its picture out."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocator.errors import DataError, unknown
from allocator.workload.histogram import AXIS, Described, read_described, write_histogram
from allocator.workload.log import FORMATS, UNITS, Columns, Log, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def add_options(parser: argparse.ArgumentParser, console: Callable[[], Console]) -> None:
    """The verbs of `workload`, and what each does."""
    # fmt: off
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    log = verbs.add_parser("from-log", help="a histogram from a request log, and its rates over time")
    add = log.add_argument
    add("file", type=Path, metavar="FILE", help="CSV or JSONL with token counts, also as .gz")
    add("--format", choices=FORMATS, help="azure: its LLM inference traces, openai: usage records (as the file begins, columns by their names)")
    add("--input-column", metavar="NAME", help="of the input tokens; usage.prompt_tokens for nested JSON")
    add("--output-column", metavar="NAME", help="of the output tokens")
    add("--time-column", metavar="NAME", help="of the arrivals: dates, or numbers in --time-unit")
    add("--time-unit", choices=UNITS, default="s", help="of numbers (s)")
    add("--edges", metavar="EDGES", help="bins: 500,2000x100,500 (inputs x outputs), or the NAME of a workload that has them (chosen from the log)")
    add("--window", type=_positive, default=60.0, metavar="S", help="rates are of windows of so many seconds (60)")
    add("--clip-tail", type=_percent, default=0.0, metavar="PERCENT", help="count the longest so many percent of each side as if they were as long as the next shorter (0)")
    add("--skip-bad", type=_count, default=0, metavar="N", help="leave out up to so many malformed lines (0)")
    log.set_defaults(act=_from_log)
    merge = verbs.add_parser("merge", help="several workloads as one, weighted by their rates")
    merge.add_argument("names", nargs="+", metavar="NAME")
    merge.add_argument("--weights", type=_weights, metavar="W,W", help="requests/s of each (their own mean rates)")
    merge.add_argument("--scale", type=_positive, default=1.0, metavar="F", help="times the rate that comes out (1)")
    merge.set_defaults(act=_merge)
    for verb in (log, merge):
        verb.add_argument("--out", metavar="NAME", help="write stacks/workloads/NAME.json")
        verb.add_argument("--replace", action="store_true", help="where there is one already")
    show = verbs.add_parser("show", help="draw a workload")
    show.add_argument("name", metavar="NAME")
    show.set_defaults(act=_show)
    for verb in (log, merge, show):
        verb.add_argument("--plot", type=Path, metavar="FILE", help="draw it as .png too")
        verb.add_argument("--root", type=Path, default=Path.cwd(), help="the project's folder")
        verb.set_defaults(console=console)
    # fmt: on


def _from_log(args: argparse.Namespace) -> None:
    from allocator.workload.tally import Tally

    kind, usual = FORMATS[args.format or kind_of(args.file)]
    columns = Columns(
        args.input_column or usual.input,
        args.output_column or usual.output,
        args.time_column or usual.time,
    )
    log = Log(args.file, kind, columns, unit=args.time_unit, skip_bad=args.skip_bad)
    tally = Tally(_edges(args), args.window)
    tally.add(log)
    if not tally.requests:
        raise DataError(
            f"log {args.file.name}: no request with input and output tokens among {log.rows} lines"
        )
    used = [name for name in (log.columns.input, log.columns.output, log.columns.time) if name]
    content = {
        "name": args.out or args.file.name.split(".")[0],
        "kind": "measured",
        "n": tally.requests,
        "rows_read": log.rows,
        "rows_dropped_zero_tokens": tally.empty,
        "rows_skipped_bad": log.skipped,
        "axis": AXIS,
        **tally.histogram(args.clip_tail),
        "title": f"requests of {args.file.name}",
        "source": f"{args.file.name}: {', '.join(used)}",
    }
    if (arrivals := tally.arrivals()) is not None:
        content["arrivals"] = arrivals
    _finish(args, content)
    left_out = {"malformed": log.skipped, "without tokens": tally.empty}
    for what, number in left_out.items():
        if number:
            print(f"left out: {number} {what} of {log.rows} lines")
    for side in ("input", "output") if args.clip_tail else ():
        clipped = content["clipped"]
        print(f"clipped: {100 * clipped[f'{side}_share']:.3g} % of the {side}s, to {clipped[f'{side}_above']} tokens")  # fmt: skip


def _merge(args: argparse.Namespace) -> None:
    from allocator.workload.merge import merged

    parts = [read_described(_file(args.root, name)) for name in args.names]
    _finish(args, merged(args.out or "merged", parts, args.weights, args.scale))


def _show(args: argparse.Namespace) -> None:
    _draw(args, read_described(_file(args.root, args.name)))


def _finish(args: argparse.Namespace, content: dict[str, Any]) -> None:
    """Write what was made, if it is wanted, and draw it."""
    made = Described.model_validate(content)
    if args.out:
        if not _NAME.fullmatch(args.out):
            raise DataError(f"--out {args.out}: should be a name of letters, digits, - and _")
        file = args.root / "stacks" / "workloads" / f"{args.out}.json"
        if file.exists() and not args.replace:
            raise DataError(f"--out {args.out}: {file} is there already; --replace overwrites it")
        write_histogram(file, content)
    _draw(args, made)
    if args.out:
        print(f"wrote {file}: a stack uses it with workload.histogram: {args.out}")


def _draw(args: argparse.Namespace, workload: Described) -> None:
    from allocator.workload.show import plot, render

    if args.plot:
        plot(workload, args.plot)
    render(workload, args.console())


def _file(root: Path, name: str) -> Path:
    known = {path.stem: path for path in (root / "stacks" / "workloads").glob("*.json")}
    if name not in known:
        raise DataError(unknown("workload", name, known))
    return known[name]


def _edges(args: argparse.Namespace) -> tuple[list[int], list[int]] | None:
    if args.edges is None:
        return None
    if not re.fullmatch(r"\d+(,\d+)*x\d+(,\d+)*", args.edges):
        like = read_described(_file(args.root, args.edges))
        ins, outs = ([e for e in side if e] for side in (like.input_upper, like.output_upper))
        return ins, outs
    ins, outs = ([int(edge) for edge in side.split(",")] for side in args.edges.split("x"))
    for side in (ins, outs):
        if side != sorted(set(side)) or not 0 < side[0] <= side[-1] <= 10_000_000:
            raise DataError(f"--edges {args.edges}: should rise from 1 to 10000000")
    return ins, outs


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value


def _weights(text: str) -> list[float]:
    return [_positive(part) for part in text.split(",")]


def _percent(text: str) -> float:
    value = float(text)
    if not 0 <= value < 100:
        raise ValueError(text)
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value
