"""`python -m allocator profile VERB`: options in, a table or JSON out."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from allocator.errors import DataError, SpecError, unknown


def add_options(parser: argparse.ArgumentParser) -> None:
    """The verbs of `profile`, and what each does."""
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _add_show(verbs.add_parser("show", help="what a replica sustains, with limits and origins"))
    _add_check(verbs.add_parser("check", help="the performance model against a measured table"))
    _add_fit(verbs.add_parser("fit", help="calibrate the performance model to measured tables"))
    _add_import(verbs.add_parser("import", help="a table from what another program measured"))
    verbs.add_parser(
        "measure", help="measure an endpoint, as a table (a program of its own: tools/measure)"
    )


def _root(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--root", type=Path, default=Path.cwd(), help="the project's folder")


def _add_show(verb: argparse.ArgumentParser) -> None:
    # fmt: off
    add = verb.add_argument
    add("--model", required=True, metavar="NAME", help="a shipped shape, or the path of a config.json")
    add("--gpu", required=True, metavar="NAME", help="L4, H200, ...")
    add("--tensor-parallel", type=_whole, default=1, metavar="N", help="GPUs of one replica (1)")
    add("--precision", metavar="NAME", help="of the weights: bf16, fp8, int4, ... (as config.json says)")
    add("--kv-cache", choices=("auto", "fp8"), default="auto", help="KV cache: 16 bits or fp8")
    add("--tpot-ms", type=_positive, required=True, metavar="MS", help="time per output token")
    add("--ttft-ms", type=_positive, default=2000.0, metavar="MS", help="time to first token (2000)")
    add("--e2e-ms", type=_positive, metavar="MS", help="time of the whole answer")
    add("--percentile", type=_percentile, metavar="P", help="share of requests that keep to them (means)")
    add("--json", action="store_true", help="for machines")
    # fmt: on
    _root(verb)
    verb.set_defaults(act=_show)


def _add_check(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--table", required=True, type=Path, metavar="FILE", help="its JSON")
    verb.add_argument(
        "--model-config", type=Path, metavar="FILE", help="the model's config.json, for the table's own"
    )  # fmt: skip
    verb.add_argument("--json", action="store_true", help="for machines")
    verb.set_defaults(act=_check)


def _add_fit(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--table", required=True, type=Path, action="append", metavar="FILE", help="may be repeated"
    )
    verb.add_argument(
        "--write", action="store_true", help="plans use the fit from now on: stacks/coefficients.json"
    )  # fmt: skip
    _root(verb)
    verb.set_defaults(act=_fit)


def _add_import(verb: argparse.ArgumentParser) -> None:
    # fmt: off
    add = verb.add_argument
    add("kind", choices=("vllm", "melange", "aibrix"), help="results of vllm bench serve, or a grid of the others")
    add("files", nargs="+", type=Path, metavar="FILE")
    add("--gpu", required=True, metavar="NAME", help="what it ran on: L4, H200, ...")
    add("--gpus-per-replica", type=_whole, default=1, metavar="N", help="(1)")
    add("--model", required=True, metavar="NAME", help="as a stack's service.model says")
    add("--engine", default="", metavar="TEXT", help="e.g. vllm 0.24.0")
    add("--quantization", metavar="NAME", help="of the weights, e.g. fp8")
    add("--measured-on", metavar="DATE", help="YYYY-MM-DD, where the files do not tell")
    add("--tpot-ms", type=_positive, metavar="MS", help="grids: the promise that its rates keep")
    add("--inputs", type=_lengths, default=[], metavar="N,N", help="Mélange: input lengths of its rows")
    add("--outputs", type=_lengths, default=[], metavar="N,N", help="Mélange: output lengths of its columns")
    add("--named", metavar="NAME", help="Mélange: the GPU's name in the file, where it is another")
    add("--out", required=True, type=Path, metavar="FILE", help="e.g. stacks/profiles/mine.json")
    # fmt: on
    verb.set_defaults(act=_import)


def _show(args: argparse.Namespace) -> None:
    """Print the grid of one replica."""
    from allocator.profile.capacity import Slo
    from allocator.profile.costs import Replica
    from allocator.profile.fitted import FITTED, read_fitted
    from allocator.profile.hardware import GPUS
    from allocator.profile.measured import read_table
    from allocator.profile.model_config import find_model
    from allocator.profile.models import PRECISIONS
    from allocator.profile.show import grid, render, to_dict

    model = find_model(args.model, args.root, "--model")
    if args.gpu not in GPUS:
        raise SpecError(f"--gpu: {unknown('GPU', args.gpu, GPUS)}")
    if args.precision and args.precision not in PRECISIONS:
        raise SpecError(f"--precision: {unknown('precision', args.precision, PRECISIONS)}")
    precision = PRECISIONS[args.precision] if args.precision else model.precision
    replica = Replica(
        GPUS[args.gpu], args.tensor_parallel, model, precision, 1 if args.kv_cache == "fp8" else 2
    )
    slo = Slo(args.tpot_ms, args.ttft_ms, 1.0, args.e2e_ms, args.percentile)
    stacks = args.root / "stacks"
    tables = tuple(read_table(file) for file in sorted((stacks / "profiles").glob("*.json")))
    shown = grid(replica, slo, tables, read_fitted(stacks / FITTED))
    print(json.dumps(to_dict(shown)) if args.json else render(shown))


def _check(args: argparse.Namespace) -> None:
    """Compare the unfitted model with a measured table."""
    from allocator.profile.check import compare, render
    from allocator.profile.table import read_measured

    compared = compare(read_measured(args.table, args.model_config))
    print(json.dumps(compared.to_dict()) if args.json else render(compared))


def _fit(args: argparse.Namespace) -> None:
    """Calibrate, and print the error before and after."""
    from allocator.profile.fit import fit, render
    from allocator.profile.fitted import FITTED, write_fitted
    from allocator.profile.table import read_measured

    tables = [read_measured(file) for file in args.table]
    fitted = fit(tables)
    print(render(tables, fitted))
    if args.write:
        file = args.root / "stacks" / FITTED
        names = [table.name for table in tables]
        write_fitted(file, fitted, names, max(table.file.measured_on for table in tables))
        print(f"written: stacks/{FITTED}; remove it to go back to the defaults")


def _import(args: argparse.Namespace) -> None:
    """Write a table made of other programs' files."""
    from allocator.profile.importers import Asked, table_from

    head = {
        "what": f"imported from {args.kind}: {', '.join(file.name for file in args.files)}",
        "gpu": args.gpu,
        "gpus_per_replica": args.gpus_per_replica,
        "model": args.model,
        "engine": args.engine,
        "quantization": args.quantization,
    }
    head |= {"measured_on": args.measured_on} if args.measured_on else {}
    asked = Asked(args.named or args.gpu, args.inputs, args.outputs, args.tpot_ms)
    text = table_from(args.kind, args.files, head, asked)
    try:
        args.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"profile import: {args.out}: {error.strerror}") from error
    print(f"{args.out}: {text.count('req_per_s')} rows")


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def _percentile(text: str) -> float:
    value = float(text)
    if not 50 <= value <= 99.9:
        raise argparse.ArgumentTypeError("should be 50 to 99.9")
    return value


def _whole(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 64:
        raise argparse.ArgumentTypeError("should be 1 to 64")
    return value


def _lengths(text: str) -> list[int]:
    return [_positive_int(part) for part in text.split(",")]


def _positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value
