"""`python -m allocator profile measure --help`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from tools.measure.cells import Cell, grid
from tools.measure.endpoint import Endpoint
from tools.measure.errors import MeasureError, RequestFailed, RequestRefused
from tools.measure.journal import Journal
from tools.measure.load import Limits
from tools.measure.run import Run
from tools.measure.table import head, read_config, write

DEFAULT_GRID = ["100,1000x100,250", "4000x250"]
DEFAULT_CONCURRENCY = "4,16,64,256"


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        asyncio.run(_measure(args))
    except MeasureError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"interrupted: the same command goes on from {_journal(args.out)}", file=sys.stderr)
        return 130
    return 0


async def _measure(args: argparse.Namespace) -> None:
    deadline = perf_counter() + args.max_minutes * 60
    limits = Limits(args.window, args.cell_limit, args.stall)
    cells = grid(args.grid, args.concurrency)
    config = read_config(args.model_config) if args.model_config else None
    about = dict(args.about)
    url, key = _url(args.endpoint), _key(args.api_key_env)
    async with Endpoint.connected(url, api_key=key, stall_s=args.stall) as endpoint:
        try:
            engine = args.engine or await _engine(endpoint)
            served = args.served_name or await _served(endpoint, args.model)
        except RequestFailed as error:
            raise MeasureError(f"{url}: {error}, before the first cell, {cells[0]}") from error
        named = {
            "gpu": args.gpu,
            "gpus_per_replica": args.gpus_per_replica,
            "model": args.model,
            "engine": engine,
            "measured_on": date.today().isoformat(),
        }
        settings = head(named, about, config, limits)
        with Journal(_journal(args.out), settings) as journal:
            try:
                await Run(cells, limits, served, deadline).measure(endpoint, journal)
            finally:
                if journal.rows:
                    write(args.out, journal, cells)
            _tell(args.out, journal, cells)


def _tell(out: Path, journal: Journal, cells: tuple[Cell, ...]) -> None:
    measured = sum(cell in journal.rows for cell in cells)
    if not measured:
        why = next(iter(journal.skipped.values())).why
        raise MeasureError(f"none of {len(cells)} cells could be measured; the first: {why}")
    print(f"{out}: {measured} of {len(cells)} cells measured, {len(journal.rows)} rows")


async def _engine(endpoint: Endpoint) -> str:
    """The engine and its version, as vLLM tells it."""
    try:
        return f"vllm {(await endpoint.get('../version'))['version']}"
    except (RequestRefused, KeyError, TypeError):
        print(
            "warning: the endpoint does not tell its engine; name it with --engine", file=sys.stderr
        )
        return "unknown"


async def _served(endpoint: Endpoint, model: str) -> str:
    """What to call the model: the table's name if the endpoint lists it or lists nothing, else the only one listed."""
    try:
        listed = [str(entry["id"]) for entry in (await endpoint.get("models"))["data"]]
    except (RequestRefused, KeyError, TypeError):
        return model
    if model in listed or not listed:
        return model
    if len(listed) > 1:
        raise MeasureError(f"{endpoint.url} serves {', '.join(listed)}; choose with --served-name")
    return listed[0]


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise MeasureError(f"--endpoint {text}: should be like http://127.0.0.1:8000/v1")
    return text if parts.path.strip("/") else f"{text.rstrip('/')}/v1"


def _key(variable: str | None) -> str:
    if variable is None:
        return ""
    if not (key := os.environ.get(variable)):
        raise MeasureError(f"--api-key-env {variable}: the environment has no such variable")
    return key


def _journal(out: Path) -> Path:
    return out.with_name(f"{out.stem}.journal.jsonl")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m allocator profile measure",
        description="Measures what an OpenAI-compatible endpoint sustains, over a grid of request sizes and requests "
        "in flight, and writes a table for stacks/profiles. A run that was stopped goes on with the same command.",
    )
    option = parser.add_argument
    option(
        "--endpoint", required=True, metavar="URL", help="its base, like http://127.0.0.1:8000/v1"
    )
    option("--model", required=True, help="the model's name in the table, like qwen3-8b")
    option("--gpu", required=True, help="the GPU's name in the table, like H200")
    option(
        "--out",
        required=True,
        type=Path,
        metavar="FILE",
        help="the table; its journal is kept beside it",
    )
    option(
        "--gpus-per-replica",
        type=_count,
        default=1,
        metavar="N",
        help="the tensor-parallel degree (1)",
    )
    option(
        "--served-name", metavar="NAME", help="what the endpoint calls the model (what it lists)"
    )
    option("--engine", metavar="NAME", help="engine and version (what a vLLM endpoint says)")
    option(
        "--model-config",
        type=Path,
        metavar="FILE",
        help="the model's config.json, to go into the table",
    )
    option("--about", action="append", default=[], type=_pair, metavar="KEY=VALUE",
           help="more to go into the table, text or JSON: dtype=bfloat16, quantization=fp8, "
           """kv_cache_dtype=fp8, weights=random, engine_defaults={"max_num_seqs": 512}""")  # fmt: skip
    option("--grid", nargs="+", default=DEFAULT_GRID, metavar="INxOUT",
           help=f"sizes in tokens ({' '.join(DEFAULT_GRID)})")  # fmt: skip
    option("--concurrency", default=DEFAULT_CONCURRENCY, metavar="N,N",
           help=f"requests in flight ({DEFAULT_CONCURRENCY})")  # fmt: skip
    option(
        "--window",
        type=_seconds,
        default=10.0,
        metavar="S",
        help="seconds of steady state per cell (10)",
    )
    option(
        "--cell-limit",
        type=_seconds,
        default=300.0,
        metavar="S",
        help="longest time for a cell (300)",
    )
    option("--stall", type=_seconds, default=60.0, metavar="S",
           help="longest silence of the endpoint before it counts as hung (60)")  # fmt: skip
    option(
        "--max-minutes", type=_seconds, default=60.0, metavar="MIN", help="longest time in all (60)"
    )
    option(
        "--api-key-env", metavar="NAME", help="environment variable that holds the endpoint's key"
    )
    return parser


def _pair(text: str) -> tuple[str, Any]:
    """A key and its value: JSON where it is, else text."""
    key, equals, value = text.partition("=")
    if not (key and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} should be above 0")
    return value


def _count(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} should be at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
