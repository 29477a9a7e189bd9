"""The clouds while they are served: APIs with their faults, metadata per machine, time to settle."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sandbox import bus, faults, logs
from sandbox.bus import Delivery, Event
from sandbox.clouds import endpoint
from sandbox.functions import Functions
from sandbox.http import ERROR, Reply, Request
from sandbox.kind import Context
from sandbox.machines import MACHINE, Order, fill
from sandbox.market import SPOT
from sandbox.preempt import take
from sandbox.server import running, settle
from sandbox.world import Record, World
from tests.sandbox.toys import FUNCTION, MARKET, Diary, ToyRunner, diary, function, group, until


class ToyFace:
    """An API with one region in its paths."""

    def __init__(self, world: World, functions: Functions) -> None:
        self.world, self.functions = world, functions

    def handle(self, request: Request) -> Reply:
        if request.path.endswith("/invoke"):
            of = self.world.all("aws", FUNCTION)[0]
            outcome = self.functions.invoke(of, request.json())
            return Reply.of(outcome.value, 200 if outcome.ok else 502, action="Invoke")
        if request.path.endswith("/set"):
            self.world.set_setting("toy/size", request.query["to"])
        return Reply.of({}, action="Set" if request.path.endswith("/set") else "Get")

    def region(self, request: Request) -> str:
        return request.path.split("/")[1]

    def fault(self, request: Request, fault: str) -> Reply:
        return Reply.of({"fault": fault}, 500 if fault == ERROR else 429, action="Get")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, diary: Diary):
    for name, part in (("FACE", ToyFace), ("RUNNER", ToyRunner), ("METADATA", _metadata)):
        monkeypatch.setattr(f"sandbox.aws.{name}", part, raising=False)
    monkeypatch.setattr("sandbox.aws.TLS", False, raising=False)
    monkeypatch.setattr("sandbox.aws.ROUTES", lambda ctx, event: [], raising=False)
    world = World(tmp_path / "clouds.db", MARKET)
    yield world
    world.close()


def _metadata(ctx: Context, machine: Record, request: Request) -> Reply:
    return Reply.of({"id": machine.id, "taken": machine.body["deadline"] is not None})


def status(world: World, path: str, body: bytes | None = None) -> int:
    """Of one call to the toy API."""
    try:
        with urllib.request.urlopen(endpoint(world, "aws") + path, body, timeout=20) as answer:
            code: int = answer.status
    except urllib.error.HTTPError as error:
        return error.code
    return code


def test_an_api_listens_while_it_is_served_and_its_calls_are_kept(world: World):
    with running(world):
        assert status(world, "/r1/get") == 200
        assert status(world, "/r1/set?to=4") == 200
    assert endpoint(world, "aws") == ""
    kept = world.sql("select cloud, region, action, status from calls order by at")
    assert kept == [("aws", "r1", "Get", 200), ("aws", "r1", "Set", 200)]


def test_faults_come_at_their_rates_and_the_same_again(world: World):
    def luck() -> list[str]:
        return [faults.luck(world, "aws", number) for number in range(1, 1001)]

    assert luck() == [""] * 1000
    world.set_setting("fault/aws/errors", "0.3")
    world.set_setting("fault/aws/throttles", "0.1")
    counted = Counter(luck())
    assert counted["error"] == pytest.approx(300, abs=60)
    assert counted["throttle"] == pytest.approx(100, abs=40)
    assert luck() == luck()
    first = luck()[:40]
    with running(world):
        got = [status(world, "/r1/get") for _ in range(40)]
    assert got == [{"": 200, "error": 500, "throttle": 429}[one] for one in first]
    world.set_setting("fault/seed", "other")
    assert luck()[:40] != first
    faults.none(world)
    assert luck() == [""] * 1000


def test_a_dead_region_does_not_answer_and_the_others_do(world: World):
    world.set_setting("fault/aws/dead/r1", "1")
    with running(world):
        with pytest.raises(http.client.RemoteDisconnected):
            status(world, "/r1/get")
        assert status(world, "/r2/get") == 200
        world.set_setting("fault/aws/dead", "1")
        with pytest.raises(http.client.RemoteDisconnected):
            status(world, "/r2/get")


def test_functions_can_be_killed_between_a_call_and_its_answer_so_many_times(world: World):
    code = """
        import os, urllib.request
        def handle(event, attempt):
            urllib.request.urlopen(event["url"]).read()
            return "recorded"
        """
    function(world, code=code)
    world.set_setting("fault/aws/kill/Set", "2")
    with running(world):
        call = b'{"url": "%s/r1/set?to=5"}' % endpoint(world, "aws").encode()
        answers = [status(world, "/r1/invoke", call) for _ in range(3)]
    assert answers == [502, 502, 200]
    assert world.setting("toy/size", "") == "5"
    assert [row[0] for row in world.sql("select action from calls")].count("Set") == 3


def test_each_machine_has_metadata_of_its_own_until_it_is_gone(world: World):
    fill(world, Order(group(world), 2, ("g6.xlarge",), (), SPOT, ""))
    one, other = world.all("aws", MACHINE)

    def read(url: str) -> Any:
        with urllib.request.urlopen(f"{url}/x", timeout=10) as answer:
            return answer.read()

    with running(world) as clouds:
        urls = [clouds.metadata.url(machine) for machine in (one, other)]
        assert clouds.metadata.url(one) == urls[0] != urls[1]
        take(world, [one], lead_s=0.3)
        assert b'"taken": true' in read(urls[0])
        assert b'"taken": false' in read(urls[1])
        until(lambda: world.get("aws", MACHINE, one.id) is None)
        with pytest.raises(http.client.RemoteDisconnected):
            read(urls[0])


def test_settling_lets_machines_boot_events_arrive_and_functions_end(
    world: World, monkeypatch: pytest.MonkeyPatch, diary: Diary
):
    of = function(world, code="import time\ndef handle(event, attempt): time.sleep(0.2)")
    monkeypatch.setattr("sandbox.aws.ROUTES", lambda ctx, event: [Delivery(of, {})])
    world.set_setting("bus/delay_ms", "5000")
    fill(world, Order(group(world), 3, ("g6.xlarge",), (), SPOT, ""))
    begun = world.clock.now()
    with running(world) as clouds:
        bus.post(world, Event("aws", "us-east-1", "notice", {}, begun))
        settle(clouds)
        assert world.clock.speed() == 1
        assert clouds.functions.running() == bus.pending(world) == 0
    assert [m.body["state"] for m in world.all("aws", MACHINE)] == ["running"] * 3
    assert world.clock.now() - begun > 120
    assert diary.said.count(("reconcile", "g1")) >= 1


def test_an_event_that_the_end_cuts_off_is_delivered_when_the_clouds_are_served_again(
    world: World, tmp_path: Path
):
    flag = tmp_path / "go"
    code = f"""
        import pathlib, time
        def handle(event, attempt):
            print("attempt", attempt, flush=True)
            while not pathlib.Path({str(flag)!r}).exists(): time.sleep(0.01)
        """
    of = function(world, code=code)
    bus.send(world, "aws", "us-east-1", Delivery(of, {}))
    with running(world):
        until(lambda: len(logs.read(world, name=of.id)) == 1)
    flag.touch()
    assert bus.pending(world) == 1
    with running(world):
        until(lambda: bus.pending(world) == 0)
    said = [line.rpartition("  ")[2] for _, line in logs.read(world, name=of.id)]
    assert said[0] == said[-1] == "attempt 1"


def test_nothing_under_way_settles_at_once(world: World):
    with running(world) as clouds:
        begun = world.clock.now()
        settle(clouds)
        assert world.clock.now() - begun < 60


__all__ = ["diary"]
