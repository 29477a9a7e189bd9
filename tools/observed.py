"""Fetches what the reactors saw, for the next plan: `python -m tools.observed --stack prod [--gone azure]`.

Reads `observed.json` from each cloud's store through that cloud's own command line (aws, gcloud, az), which knows how you
are logged in, and writes stacks/observed/STACK.json. A stack takes it with `market.observed: STACK`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OBJECT = "observed.json"
_READ = {
    "s3": ("aws", "s3", "cp", "{url}", "-"),
    "gs": ("gcloud", "storage", "cat", "{url}"),
    "https": ("az", "storage", "blob", "download", "--auth-mode", "login", "--no-progress", "--blob-url", "{url}", "--file", "/dev/stdout"),
}  # fmt: skip


class ObservedError(Exception):
    """One line for the person at the terminal."""


def gather(
    stores: Mapping[str, Sequence[str]], gone: Sequence[str], read: Callable[[str], bytes]
) -> dict[str, Any]:
    """The content of a file of stacks/observed. `stores`: URLs of each cloud's stores, the primary first; `gone`: clouds that
    do not answer and are to be planned around. `fetched` is the newest time that a reactor wrote, so that the same
    objects give the same file.

    Raises ObservedError where a cloud that is not gone has no such object.
    """
    clouds = [_first(cloud, stores[cloud], read) for cloud in sorted(stores) if cloud not in gone]
    newest = max((cloud["at_s"] for cloud in clouds), default=0)
    return {
        "schema_version": 1,
        "fetched": _iso(newest),
        "clouds": clouds,
        "unreachable": sorted(gone),
    }


def write(folder: Path, name: str, content: Mapping[str, Any]) -> Path:
    """Write the file; returns where."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    file.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    return file


def _first(cloud: str, urls: Sequence[str], read: Callable[[str], bytes]) -> dict[str, Any]:
    """From the first store that has it."""
    why = "it has no store"
    for url in urls:
        try:
            content: dict[str, Any] = json.loads(read(f"{url}/{OBJECT}"))
        except (ObservedError, ValueError) as error:
            why = str(error)
        else:
            return content
    raise ObservedError(
        f"what the reactor of {cloud} saw cannot be read: {why}; if the cloud is gone, add --gone {cloud}"
    )


def _through_the_clouds_command(url: str) -> bytes:
    command = [word.format(url=url) for word in _READ[url.partition(":")[0]]]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise ObservedError(f"cannot run {command[0]}: {error.strerror}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise ObservedError(f"{command[0]}: {said[-1]}")
    return done.stdout


def _stores(stack: str) -> dict[str, list[str]]:
    done = subprocess.run(
        ["pulumi", "stack", "output", "stores", "--json", "--stack", stack],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise ObservedError(f"stack {stack}: {said[-1]}")
    stores: dict[str, list[str]] = json.loads(done.stdout)
    return stores


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.observed", description=__doc__.split("\n")[0])  # fmt: skip
    parser.add_argument("--stack", required=True)
    parser.add_argument("--gone", nargs="*", default=[], choices=("aws", "azure", "gcp"))
    args = parser.parse_args(argv)
    try:
        content = gather(_stores(args.stack), args.gone, _through_the_clouds_command)
    except ObservedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    file = write(ROOT / "stacks/observed", args.stack, content)
    dry = sum(len(cloud["dry"]) for cloud in content["clouds"])
    print(f"wrote {file.relative_to(ROOT)}: {dry} dry pools; set market.observed: {args.stack}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
