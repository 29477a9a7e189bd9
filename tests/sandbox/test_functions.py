"""Functions run from their package in processes of their own, which may crash, hang, be killed and be replaced."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox import logs
from sandbox.functions import Functions, Outcome
from sandbox.world import World
from tests.sandbox.toys import MARKET, ToyRunner, function, until


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sandbox.aws.RUNNER", ToyRunner, raising=False)
    world = World(tmp_path / "clouds.db", MARKET)
    yield world
    world.close()


@pytest.fixture
def functions(world: World):
    functions = Functions(world)
    yield functions
    functions.close()


TELLS_ITS_PROCESS = "import os\ndef handle(event, attempt): return os.getpid()"


def test_a_warm_process_is_used_again_and_its_prints_are_kept(world: World, functions: Functions):
    code = "import os\ndef handle(event, attempt):\n  print('got', event, attempt)\n  return os.getpid()"
    of = function(world, code=code)
    first = functions.invoke(of, {"a": 1})
    assert functions.invoke(of, {"a": 2}, attempt=3) == first
    assert first.value != os.getpid()
    until(lambda: len(logs.read(world, "aws", of.id)) == 2)
    said = [line.rpartition("  ")[2] for _, line in logs.read(world)]
    assert said == ["got {'a': 1} 1", "got {'a': 2} 3"]


def test_a_process_has_the_environment_of_its_cloud_and_nothing_of_ours(
    world: World, functions: Functions, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OUR_SECRET", "1")
    code = "import os\ndef handle(event, attempt): return sorted(os.environ), os.getcwd()"
    names, folder = functions.invoke(function(world, code=code), {}).value
    assert set(names) - {"LC_CTYPE", "PWD"} == {
        "NO_PROXY",
        "PORT",
        "TOY",
        "TOY_ENDPOINT",
        "no_proxy",
    }
    assert Path(folder) != Path.cwd()


def test_an_error_is_an_outcome_and_the_process_goes_on(world: World, functions: Functions):
    code = "import os\ndef handle(event, attempt):\n  if event: raise KeyError('x')\n  return os.getpid()"
    of = function(world, code=code)
    warm = functions.invoke(of, {})
    assert functions.invoke(of, {"fail": 1}) == Outcome(False, None, "KeyError('x')")
    assert functions.invoke(of, {}) == warm


def test_a_crash_is_an_outcome_and_the_next_event_gets_a_new_process(
    world: World, functions: Functions
):
    code = "import os\ndef handle(event, attempt):\n  if event: os._exit(3)\n  return os.getpid()"
    of = function(world, code=code)
    first = functions.invoke(of, {})
    assert functions.invoke(of, {"crash": 1}).error == "exited with status 3"
    after = functions.invoke(of, {})
    assert after.ok
    assert after != first


def test_what_takes_too_long_is_killed_with_what_it_started(world: World, functions: Functions):
    code = """
        import subprocess, sys, time
        def handle(event, attempt):
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            print(child.pid, flush=True)
            time.sleep(600)
        """
    of = function(world, code=code, timeout_s=1.5)
    assert functions.invoke(of, {}).error == "timed out after 1.5 s"
    until(lambda: len(logs.read(world)) == 2)
    child = int(logs.read(world)[0][1].split()[-1])
    until(lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child))


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


def test_what_a_crash_leaves_behind_does_not_hold_up_the_next_event(
    world: World, functions: Functions
):
    code = """
        import os, subprocess, sys
        def handle(event, attempt):
            if event:
                subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
                os._exit(3)
            return os.getpid()
        """
    of = function(world, code=code)
    assert not functions.invoke(of, {"crash": 1}).ok
    assert functions.invoke(of, {}).ok


def test_once_closed_nothing_starts(world: World, functions: Functions):
    functions.close()
    assert not functions.invoke(function(world, code=TELLS_ITS_PROCESS), {}).ok


def test_a_package_that_does_not_start_is_an_outcome(world: World, functions: Functions):
    of = function(world, code="import no_such_module")
    assert functions.invoke(of, {}).error == "exited with status 1"
    until(lambda: "No module named 'no_such_module'" in str(logs.read(world)))


def test_no_more_processes_than_allowed_run_at_a_time(world: World, functions: Functions):
    code = "import os, time\ndef handle(event, attempt):\n  time.sleep(0.1)\n  return os.getpid()"
    of = function(world, code=code, processes=2)
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: functions.invoke(of, {}), range(8)))
    assert all(outcome.ok for outcome in outcomes)
    assert len({outcome.value for outcome in outcomes}) == 2
    assert functions.room(of) == 2
    assert functions.running() == 0


def test_a_new_version_runs_in_a_new_process(world: World, functions: Functions):
    old = functions.invoke(function(world, code="def handle(event, attempt): return 'old'"), {})
    new = functions.invoke(function(world, code="def handle(event, attempt): return 'new'"), {})
    assert (old.value, new.value) == ("old", "new")


def test_a_killed_cloud_loses_its_processes_and_starts_others(world: World, functions: Functions):
    of = function(world, code=TELLS_ITS_PROCESS)
    before = functions.invoke(of, {})
    functions.kill("gcp")
    assert functions.invoke(of, {}) == before
    functions.kill("aws")
    until(lambda: functions.room(of) == 1)
    assert functions.invoke(of, {}) != before


def test_a_dead_function_does_not_start(world: World, functions: Functions):
    of = function(world, code=TELLS_ITS_PROCESS)
    world.set_setting(f"fault/aws/function/{of.id}", "1")
    assert not functions.invoke(of, {}).ok
    world.set_setting(f"fault/aws/function/{of.id}", None)
    assert functions.invoke(of, {}).ok
