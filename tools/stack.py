"""Runs the real program through the real Pulumi engine on the emulated clouds: what `make up` and its siblings call.

The state of both, the engine's and the clouds', lives in .state/ of the clone, so that they can only be wiped
together. One command at a time works on a stack. An interrupted run is picked up: its stale lock is removed when the
process that held it is gone, and what the clouds had created without the state knowing is found by the stack's tag and
removed before the next `up`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from allocator.errors import AllocatorError
from allocator.spec import PROJECT, stack_config
from tools.locks import InUse, held, read_json, remove_stale

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("SKYBLEND_STATE", ROOT / ".state"))
VENV = ROOT / ".venv"
TAG = "skyblend-stack"
_ATTACHED = "PULUMI_DEBUG_PROVIDERS"
"""Set where somebody serves the emulated clouds already, as a drill does."""


class StackError(Exception):
    """One line for the person at the terminal."""


@dataclass
class Stack:
    """A stack on the emulated clouds; `sections` is its configuration."""

    name: str
    sections: dict[str, Any]
    interrupted: bool = False

    @cached_property
    def env(self) -> dict[str, str]:
        """The environment of every engine command."""
        return os.environ | exports()

    @property
    def checkpoint(self) -> Path:
        """The engine's state of the stack."""
        return STATE / f"backend/.pulumi/stacks/{PROJECT}/{self.name}.json"

    @property
    def checkpoint_before(self) -> Path:
        """The copy that the engine keeps of it from before its last write."""
        return self.checkpoint.with_suffix(".json.bak")

    @property
    def config(self) -> Path:
        """The copy of the stack's file that the engine reads; it adds an encryption salt of its own."""
        return STATE / "config" / self.name / f"Pulumi.{self.name}.yaml"

    def prepare(self) -> None:
        """Make the stack known to the engine and its configuration current, whatever the last run left undone."""
        self._unlock()
        self._mend()
        config = {f"{PROJECT}:{section}": value for section, value in self.sections.items()}
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(yaml.safe_dump({"config": config}))
        if not self.checkpoint.exists():
            # in a project of its own: it writes into the stack's file
            self.config.with_name("Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
            (STATE / "backend").mkdir(exist_ok=True)
            self.pulumi("stack", "init", self.name, "--cwd", str(self.config.parent), quiet=True)

    def _unlock(self) -> None:
        """Remove the engine's lock of a run that is gone. Raises InUse for one that is not."""
        for pid in remove_stale(
            STATE / f"backend/.pulumi/locks/organization/{PROJECT}/{self.name}"
        ):
            print(f"removed the lock of process {pid}, which is gone")
            self.interrupted = True

    def _mend(self) -> None:
        """A killed engine may have cut its last write short; the copy from before it is whole.

        The file backend writes a file's attributes in place, beside it; without them the file is read as it is.
        """
        for attributes in (STATE / "backend").rglob("*.attrs"):
            if read_json(attributes) is None:
                attributes.unlink()
        if not (self.checkpoint.exists() or self.checkpoint_before.exists()):
            return
        if read_json(self.checkpoint) is not None:
            return
        if read_json(self.checkpoint_before) is None:
            raise StackError(f"the state of stack {self.name} is unreadable; make wipe forgets it")
        print(f"the state's last write was cut short: going back to {self.checkpoint_before.name}")
        shutil.copyfile(self.checkpoint_before, self.checkpoint)
        self.interrupted = True

    def pulumi(self, *args: str, quiet: bool = False, emulated: bool = False) -> str:
        """Run a Pulumi command; its output is returned when quiet, shown otherwise."""
        command = ["pulumi", *args, "--non-interactive"]
        if emulated and _ATTACHED not in os.environ:
            command = [*sandbox("--market", str(newest_snapshot())), "run", "--", *command]
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, text=True, check=False,
            stdout=subprocess.PIPE if quiet else None, stderr=subprocess.PIPE if quiet else None,
        )  # fmt: skip
        if done.returncode and not quiet:
            sys.exit(1)  # the engine has said why
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise StackError(f"pulumi {' '.join(args[:2])} of stack {self.name} failed: {said}")
        return done.stdout or ""

    def operate(self, verb: str, *args: str) -> None:
        """A command that meets the clouds."""
        self.pulumi(
            verb, "--stack", self.name, "--config-file", str(self.config), *args, emulated=True
        )

    def state(self) -> dict[str, Any]:
        """The deployment as the engine knows it."""
        exported = json.loads(self.pulumi("stack", "export", "--stack", self.name, quiet=True))
        deployment: dict[str, Any] = exported["deployment"] or {}
        return deployment

    def leftovers(self, *, remove: bool) -> None:
        """List, or remove, what the clouds hold under the stack's tag although the state does not know it."""
        known = STATE / f"known-{self.name}.json"
        resources = self.state().get("resources", [])
        known.write_text(json.dumps([r["id"] for r in resources if r.get("id")]))
        done = subprocess.run(
            [
                *sandbox(), "leftovers", "--tag", f"{TAG}={self.name}", "--known", str(known),
                *(["--remove"] if remove else []),
            ],
            cwd=ROOT, text=True, check=False, stdout=subprocess.PIPE,
        )  # fmt: skip
        if done.stdout:
            print(f"unknown to the state of {self.name}:\n{done.stdout.rstrip()}")
            word = "removed" if remove else f"remove with: make remove-leftovers STACK={self.name}"
            print(word)
        elif not remove:
            print(f"nothing unknown to the state of {self.name}")
        if done.returncode:
            raise StackError("some leftovers are still in use; make destroy, then try again")

    def short(self) -> list[str]:
        """Groups that run fewer machines than they should."""
        done = subprocess.run(
            [*sandbox(), "status", "--json", "--tag", f"{TAG}={self.name}"],
            cwd=ROOT, text=True, check=True, stdout=subprocess.PIPE,
        )  # fmt: skip
        sizes = [
            (group["group"], sum(group["machines"].values()), group["wanted"])
            for group in json.loads(done.stdout)["groups"]
        ]
        return [
            f"{name} runs {has} of {wants} machines: the market has no more"
            for name, has, wants in sizes
            if has < wants
        ]

    def after_interruption(self) -> None:
        """If the last run did not end: clear what it left, in the state and in the clouds."""
        if not (self.interrupted or self.state().get("pending_operations")):
            return
        print("the last run was interrupted; clearing its pending operations")
        self.operate(
            "refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--suppress-outputs"
        )
        self.leftovers(remove=True)


def exports(state: Path = STATE) -> dict[str, str]:
    """What a shell needs to talk to the emulated stacks' state with plain `pulumi`."""
    pulumi = (VENV / ".pulumi").read_text().strip()
    return {
        "PATH": os.pathsep.join([str(VENV / "bin"), pulumi, os.environ["PATH"]]),
        "VIRTUAL_ENV": str(VENV),
        "PULUMI_HOME": str(state / "pulumi"),
        "PULUMI_BACKEND_URL": f"file://{state / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def sandbox(*options: str) -> list[str]:
    """The emulated clouds' own command line."""
    return [sys.executable, "-m", "sandbox", "--state", str(STATE / "clouds.db"), *options]


def newest_snapshot() -> Path:
    """The market that the emulated clouds sell from."""
    return max((ROOT / "stacks/snapshots").glob("*.json"))


def up(stack: Stack) -> None:
    """Build the stack and say what stands there."""
    stack.after_interruption()
    print(f"up: stack {stack.name} on the emulated clouds, usually under a minute ...", flush=True)
    stack.operate("up", "--yes", "--suppress-outputs")
    outputs = json.loads(
        stack.pulumi("stack", "output", "--json", "--stack", stack.name, quiet=True)
    )
    count = len([r for r in stack.state()["resources"] if r.get("custom") and r.get("id")])
    report = [sys.executable, "-m", "allocator", "explain", "-"]
    subprocess.run(report, cwd=ROOT, input=json.dumps(outputs["plan"]), text=True, check=True)
    print(f"endpoint   {outputs['endpoint']}\nresources  {count}")
    for short in stack.short():
        print(f"short      {short}")


def preview(stack: Stack) -> None:
    """Show what `up` would change."""
    stack.operate("preview", "--suppress-outputs")


def refresh(stack: Stack) -> None:
    """Read the clouds again and take what changed there into the state."""
    stack.operate("refresh", "--yes", "--skip-preview", "--suppress-outputs")


def destroy(stack: Stack) -> None:
    """Take everything down."""
    stack.after_interruption()
    stack.operate("destroy", "--yes", "--skip-preview", "--suppress-outputs")
    stack.leftovers(remove=True)


VERBS = {"up": up, "preview": preview, "refresh": refresh, "destroy": destroy}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.stack", description=__doc__.split("\n")[0]
    )
    parser.add_argument("verb", choices=(*VERBS, "leftovers", "env"))
    parser.add_argument("--stack", default="sandbox")
    parser.add_argument(
        "--set", action="append", default=[], help="override, e.g. workload.requests_per_second=128"
    )
    parser.add_argument("--remove", action="store_true", help="with leftovers: delete them")
    args = parser.parse_args(argv)
    if args.verb == "env":
        for name, value in exports().items():
            print(f"export {name}='{value}'")
        return 0
    try:
        if args.set and args.verb not in ("up", "preview"):
            raise StackError(f"{args.verb} takes no SET; up and preview do")
        stack = Stack(args.stack, stack_config(ROOT, args.stack, tuple(args.set)))
        with held(STATE / f"held-{stack.name}", args.verb):
            stack.prepare()
            if args.verb == "leftovers":
                stack.leftovers(remove=args.remove)
            else:
                VERBS[args.verb](stack)
    except InUse as by:
        print(
            f"error: stack {args.stack} is in use by {by}; wait for it or end it", file=sys.stderr
        )
        return 1
    except (StackError, AllocatorError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
