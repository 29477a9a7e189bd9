"""What make hands on and what it says: values reach the programs as they were given, nothing goes without a word."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.stack import ROOT


def handed_on(*words: str) -> list[str]:
    """The arguments that the verb's program would get, as the shell splits them."""
    shown = subprocess.run(
        ["make", "-n", *words], cwd=ROOT, text=True, check=True, stdout=subprocess.PIPE
    ).stdout
    (line,) = [line for line in shown.splitlines() if f" {words[0]}" in line and " -m " in line]
    return shlex.split(line)[3:]


@pytest.mark.parametrize("verb", ["preview", "up", "plan", "destroy", "refresh"])
def test_values_of_a_run_are_handed_on_unread_by_the_shell(verb: str) -> None:
    values = ["market.gpus=[L4,H100]", "market.regions=[aws-us-*]", "a=$HOME;'b'", "c=`d`>e"]
    given = " ".join(values).replace("$", "$$")
    expected = [verb, "--stack", "it's"]
    for value in values:
        expected += ["--set", value]
    assert handed_on(verb, f"SET={given}", "STACK=it's") == expected


def test_status_is_of_all_stacks_unless_one_is_named() -> None:
    assert handed_on("status") == ["status"]
    assert handed_on("status", "STACK=dev") == ["status", "--tag", "skyblend-stack=dev"]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A clone with a stack's state, an environment and the Makefile, nothing else."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv").mkdir()
    stacks = tmp_path / ".state/backend/.pulumi/stacks/skyblend"
    stacks.mkdir(parents=True)
    for name in ("dev.json", "dev.json.bak", "prod.json"):
        (stacks / name).touch()
    return tmp_path


def told(folder: Path, verb: str) -> list[str]:
    return subprocess.run(
        ["make", verb], cwd=folder, text=True, check=True, stdout=subprocess.PIPE
    ).stdout.splitlines()


def test_wipe_says_which_stacks_are_forgotten(made: Path) -> None:
    (line,) = told(made, "wipe")
    what, stacks = line.rsplit(" of ", 1)
    assert what == "removing .state: the emulated clouds and Pulumi's state"
    assert sorted(stacks.split()) == ["dev", "prod"]
    assert not (made / ".state").exists()
    assert told(made, "wipe") == [f"{what} of no stack"]


def test_clean_says_what_it_removes(made: Path) -> None:
    assert told(made, "clean")[1:] == ["removing .venv"]
    assert sorted(path.name for path in made.iterdir()) == ["Makefile"]
