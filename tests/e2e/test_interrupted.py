"""A run whose engine is killed half-way is picked up by the next one."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Clone

STACK = ("--stack", "dev")
PATIENCE_S = 120


@pytest.fixture(scope="module")
def clean(clone: Clone) -> dict[str, Any]:
    """The state of one undisturbed run."""
    clone.run("tools.stack", "up", *STACK)
    return shape(clone)


def shape(clone: Clone) -> dict[str, Any]:
    """What engine and clouds hold, without what differs from run to run: ids, random name endings, times."""
    resources = clone.pulumi("stack", "export", *STACK)["deployment"]["resources"]
    status = clone.status()
    return {
        "urns": sorted(resource["urn"] for resource in resources),
        "resources": status["resources"],
        "groups": [re.sub(r"-[0-9a-f]{7}(?=\")", "", json.dumps(g)) for g in status["groups"]],
        "usd_per_hour": status["usd_per_hour"],
    }


def records(state: Path) -> int:
    """Things that the clouds hold so far."""
    file = state / "clouds.db"
    if not file.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            return int(db.execute("select count(*) from records").fetchone()[0])
    except sqlite3.OperationalError:  # the table is being made
        return 0


def kill_engine_at(clone: Clone, count: int) -> str:
    """Start `up`, kill its engine when the clouds hold `count` things; what it printed."""
    run = clone.start("tools.stack", "up", *STACK)
    deadline = time.monotonic() + PATIENCE_S
    while records(clone.state) < count:
        assert run.poll() is None, run.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.001)
    (lock,) = (clone.state / "backend/.pulumi/locks/organization/skyblend/dev").glob("*.json")
    os.kill(json.loads(lock.read_text())["pid"], signal.SIGKILL)
    return run.communicate()[0]


@pytest.mark.parametrize("count", [1, 7, 27])
def test_up_after_a_killed_up_ends_as_one_clean_run_does(
    fresh: Clone, clean: dict[str, Any], count: int
):
    kill_engine_at(fresh, count)
    printed = fresh.run("tools.stack", "up", *STACK)
    assert re.search(
        r"^lock of process \d+, which is gone: pulumi cancel --yes --stack dev$", printed, re.M
    )
    assert shape(fresh) == clean
    assert "nothing unknown" in fresh.run("tools.stack", "leftovers", *STACK)


def test_what_the_state_does_not_know_is_named_with_the_command_that_removes_it(fresh: Clone):
    kill_engine_at(fresh, 12)
    printed = fresh.run("tools.stack", "leftovers", *STACK)
    in_clouds = sum(fresh.status()["resources"].values())
    known = [
        r for r in fresh.pulumi("stack", "export", *STACK)["deployment"].get("resources", []) if r.get("id")
    ]  # fmt: skip
    unknown = in_clouds - len([r for r in known if not r["type"].startswith("pulumi:")])
    assert unknown > 0
    assert len(re.findall(r"^aws ", printed, re.M)) == unknown
    assert "make remove-leftovers STACK=dev" in printed
    fresh.run("tools.stack", "leftovers", *STACK, "--remove")
    assert "nothing unknown" in fresh.run("tools.stack", "leftovers", *STACK)


@pytest.mark.parametrize("left", [1000, None])
def test_a_state_cut_short_by_the_kill_is_taken_from_the_copy_before_it(
    fresh: Clone, clean: dict[str, Any], left: int | None
):
    kill_engine_at(fresh, 18)
    state = fresh.state / "backend/.pulumi/stacks/skyblend/dev.json"
    state.with_suffix(".json.attrs").write_text("")
    whole = state.read_text()
    state.unlink()
    if left:
        state.write_text(whole[:left])
    assert "going back to dev.json.bak" in fresh.run("tools.stack", "up", *STACK)
    assert shape(fresh) == clean


def test_a_run_beside_a_living_one_is_refused_with_its_process(fresh: Clone):
    fresh.run("tools.stack", "preview", *STACK)
    lock = fresh.state / "backend/.pulumi/locks/organization/skyblend/dev/held.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps({"pid": os.getpid()}))
    printed = fresh.run("tools.stack", "up", *STACK, code=1)
    assert (
        printed == f"error: stack dev is in use by process {os.getpid()}; wait for it or end it\n"
    )
