"""`python -m allocator profile VERB`: options in, a table or JSON out."""

from __future__ import annotations

import argparse
from pathlib import Path

from allocator.profile.table import read_file


def add_options(parser: argparse.ArgumentParser) -> None:
    """The verbs of `profile`, and what each does."""
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    check = verbs.add_parser("check", help="the performance model against a measured table")
    check.add_argument("--table", required=True, type=Path, metavar="FILE", help="its JSON")
    check.set_defaults(act=_check)
    verbs.add_parser(
        "measure", help="measure an endpoint, as a table (a program of its own: tools/measure)"
    )


def _check(args: argparse.Namespace) -> None:
    """Compare the model with a measured table."""
    table = read_file(args.table)
    print(f"{table.model} on {table.gpus_per_replica} x {table.gpu}: {len(table.rows)} rows")
