"""Plans a stack of the emulated clouds anew with what its reactors saw, and brings it up: what a dispatch asks for.

Resources of a cloud that is gone stay as they are, in the state too, until it is back.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from allocator.errors import AllocatorError
from allocator.spec import stack_config
from tools.locks import InUse, held
from tools.observed import ObservedError, gather, write
from tools.stack import ROOT, STATE, Stack, StackError, sandbox

_PACKAGES = {"aws": "aws", "azure": "azure-native", "gcp": "gcp"}


def replan(name: str, gone: Sequence[str], overrides: Sequence[str]) -> None:
    """Fetch, plan, bring up. Raises StackError, ObservedError, AllocatorError."""
    named = f"emulated-{name}"
    sections = stack_config(ROOT, name, (*overrides, f"market.observed={named}"))
    stack = Stack(name, sections)
    with held(STATE / f"held-{name}", "replan"):
        outputs = json.loads(stack.pulumi("stack", "output", "--json", "--stack", name, quiet=True))
        content = gather(outputs["stores"], gone, _object)
        write(ROOT / "stacks/observed", named, content)
        stack.prepare()
        kept = [f"--exclude={urn}" for urn in _of_clouds(stack.state(), gone)]
        stack.operate("up", "--yes", "--suppress-outputs", "--skip-preview", *kept)


def _object(url: str) -> bytes:
    """The newest object of the emulated clouds' stores."""
    done = subprocess.run([*sandbox(), "object", f"{url}"], cwd=ROOT, capture_output=True, check=False)  # fmt: skip
    if done.returncode:
        raise ObservedError(done.stderr.decode().strip().removeprefix("error: "))
    return done.stdout


def _of_clouds(state: dict[str, Any], gone: Sequence[str]) -> list[str]:
    """URNs of what belongs to these clouds: their packages' resources and our components around them."""
    prefixes = tuple(
        prefix for cloud in gone for prefix in (f"{_PACKAGES[cloud]}:", f"skyblend:{cloud}:")
    )
    edge = ("skyblend:edge:",) if "azure" in gone else ()
    return [
        resource["urn"]
        for resource in state.get("resources", [])
        if resource["type"].startswith((*prefixes, *edge))
    ]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.replan", description=__doc__.split("\n")[0])  # fmt: skip
    parser.add_argument("--stack", default="sandbox")
    parser.add_argument("--gone", nargs="*", default=[], choices=sorted(_PACKAGES))
    parser.add_argument("--set", action="append", default=[], help="override, as of make up")
    args = parser.parse_args(argv)
    try:
        replan(args.stack, args.gone, args.set)
    except InUse as by:
        print(f"error: stack {args.stack} is in use by {by}", file=sys.stderr)
        return 1
    except (StackError, ObservedError, AllocatorError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
