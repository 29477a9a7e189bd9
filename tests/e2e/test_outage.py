"""What `python -m drills outage` refuses before it plays anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Clone

DEV = ("--stack", "dev")


@pytest.fixture(scope="module")
def deployed(clone: Clone) -> Clone:
    clone.run("tools.stack", "up", *DEV)
    return clone


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--region", "us-nowhere-1"), "no group of stack dev is in us-nowhere-1; it has aws-us-"),
        (("--stack", "prod"), "stack prod is not deployed on the emulated clouds; make up"),
        (("--plot", "x.gif"), "--plot x.gif: must end in .png or .svg"),
    ],
)
def test_bad_options_are_one_line(deployed: Clone, options: tuple[str, ...], said: str):
    state = ("--state", str(deployed.state / "clouds.db"))
    printed = deployed.run("drills", "outage", *DEV, *state, *options, code=1)
    assert printed.startswith(f"error: {said}")
    assert printed.count("\n") == 1


def test_without_a_world_there_is_no_drill(clone: Clone, tmp_path: Path):
    printed = clone.run("drills", "outage", "--state", str(tmp_path / "none.db"), code=1)
    assert printed == f"error: no emulated clouds in {tmp_path / 'none.db'}; make up\n"
