"""A run whose engine is killed half-way is picked up by the next one."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Clone
from tools.stack import ROOT

STACK = ("--stack", "dev")
PATIENCE_S = 120


@pytest.fixture(scope="module")
def clean(clone: Clone) -> dict[str, Any]:
    """The state of one undisturbed run."""
    clone.run("tools.stack", "up", *STACK)
    return shape(clone)


def shape(clone: Clone) -> dict[str, Any]:
    """What engine and clouds hold, without what differs from run to run: ids, random name endings, times, and sizes, which
    follow from when the reactor looked."""
    resources = clone.pulumi("stack", "export", *STACK)["deployment"]["resources"]
    status = clone.status()
    return {
        "urns": sorted(resource["urn"] for resource in resources),
        "resources": status["resources"],
        "groups": [re.sub(r"-[0-9a-f]{7}$", "", group["group"]) for group in status["groups"]],
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
    assert re.search(r"^removed the lock of process \d+, which is gone$", printed, re.M)
    assert shape(fresh) == clean
    assert "nothing unknown" in fresh.run("tools.stack", "leftovers", *STACK)


def test_what_the_state_does_not_know_is_named_with_the_command_that_removes_it(fresh: Clone):
    kill_engine_at(fresh, 20)
    printed = fresh.run("tools.stack", "leftovers", *STACK)
    in_clouds = sum(fresh.status()["resources"].values())
    known = [
        r for r in fresh.pulumi("stack", "export", *STACK)["deployment"].get("resources", []) if r.get("id")
    ]  # fmt: skip
    unknown = in_clouds - len([r for r in known if not r["type"].startswith("pulumi:")])
    # parts of a bucket have its name for an id, and are known with it
    assert 0 < len(re.findall(r"^aws ", printed, re.M)) <= unknown
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


def lock_of(pid: int, clone: Clone) -> None:
    """The engine's lock as a process holds it."""
    lock = clone.state / "backend/.pulumi/locks/organization/skyblend/dev/held.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps({"pid": pid}))


def test_a_run_beside_a_living_engine_is_refused_with_its_process(fresh: Clone):
    with subprocess.Popen(["bash", "-c", "exec -a pulumi sleep 60"]) as engine:
        lock_of(engine.pid, fresh)
        printed = fresh.run("tools.stack", "up", *STACK, code=1)
        engine.kill()
    assert printed == (
        f"error: stack dev is in use by process {engine.pid} (pulumi 60); wait for it or end it\n"
    )


def test_a_lock_whose_process_number_went_to_another_program_is_removed(fresh: Clone):
    lock_of(os.getpid(), fresh)
    printed = fresh.run("tools.stack", "leftovers", *STACK)
    assert f"removed the lock of process {os.getpid()}, which is gone" in printed


def test_two_commands_do_not_work_on_one_stack_at_once(fresh: Clone):
    first = fresh.start("tools.stack", "up", *STACK)
    held = fresh.state / "held-dev"
    deadline = time.monotonic() + PATIENCE_S
    while not (held.exists() and held.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    printed = fresh.run("tools.stack", "destroy", *STACK, code=1)
    assert printed == (
        f"error: stack dev is in use by process {first.pid} (up); wait for it or end it\n"
    )
    output, _ = first.communicate(timeout=PATIENCE_S)
    assert first.returncode == 0, output


UNDONE = {
    "nothing but a lock": {"locks/organization/skyblend/dev/a.json": '{"pid": 999999999}'},
    "a state without a salt": {
        "meta.yaml": "version: 1\n",
        "stacks/skyblend/dev.json": '{"version": 3, "checkpoint": {"stack": "organization/skyblend/dev"}}',
    },
    "attributes cut short": {"meta.yaml": "version: 1\n", "meta.yaml.attrs": ""},
}


@pytest.mark.parametrize("left", UNDONE)
def test_a_kill_while_the_stack_is_made_known_is_mended_and_no_tracked_file_is_written(
    fresh: Clone, left: str
):
    tracked = ROOT / "stacks/Pulumi.dev.yaml"
    before = tracked.stat().st_mtime_ns
    for name, content in UNDONE[left].items():
        file = fresh.state / "backend/.pulumi" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    config = fresh.state / "config/dev/Pulumi.dev.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("config: {skyb")
    assert "to create" in fresh.run("tools.stack", "preview", *STACK)
    shutil.rmtree(config.parent)
    assert "to create" in fresh.run("tools.stack", "preview", *STACK)
    assert tracked.stat().st_mtime_ns == before
