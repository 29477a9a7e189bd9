"""What a drill says came of it."""

from __future__ import annotations

from typing import Any

from drills.outage import Moment, Played
from drills.scene import Group, Scene
from drills.summary import summarize, timeline
from drills.watch import Line, Sample, Watch
from sandbox.market import Market
from sandbox.world import World

GROUP = Group("aws-east-l4-spot", "aws", "east", "spot", 100, 300_000, 180.0, 5, ("kind", "id"))
SCENE = Scene("test", 400, 100, (GROUP,))


def line(at: float, real: float, **entry: Any) -> Line:
    return Line(at, real, "aws", {"skyblend": "reactor", "ended": "set"} | entry)


def seen(tmp_path, samples: list[Sample], lines: list[Line]) -> Watch:
    return Watch(World(tmp_path / "clouds.db", Market([])), SCENE, samples, lines)


def sample(at: float, ready: int, fallback: int = 0) -> Sample:
    return Sample(at, ready, ready, ready // 100, fallback, 1.0)


def test_the_answer_to_a_notice_is_the_first_run_that_knew_of_it(tmp_path):
    lines = [
        line(1001, 5.0, signals=["check (timer)"]),
        line(1002, 5.2, signals=["interrupt i-1 (watcher)"], ended="failed"),
        line(1003, 5.3, signals=["interrupt i-1 (watcher)"], set=[{"group": GROUP.key, "from": 4, "to": 5}]),
        line(1004, 5.9, signals=["gone I-2 (aws.ec2)"], ended="known"),
        line(1005, 9.0, signals=["interrupt i-1 (aws.ec2)"]),
    ]  # fmt: skip
    played = Played(
        1000.0, 1100.0, {"i-1": 5.0, "vm": 5.0}, {"i-1": "i-1", "vm": "vm", "i-2": "vm"}
    )
    made = summarize(SCENE, seen(tmp_path, [sample(1000, 400)], lines), played)
    assert made.notice_to_resize_ms["p50"] == (300 + 900) / 2
    assert made.set_calls == 1
    assert made.errors == 1


def test_capacity_money_and_times_count_from_the_loss_on(tmp_path):
    samples = [sample(900, 0), sample(1000, 500), sample(1060, 300, 2), sample(1300, 500)]
    played = Played(1000.0, 1400.0, restored=1240.0, released=1300.0)
    made = summarize(SCENE, seen(tmp_path, samples, [line(1100, 1.0, replan="short")]), played)
    assert made.min_capacity_ratio == 300 / 400
    assert made.fallback_peak_nodes == 2
    assert (made.restored_s, made.fallback_released_s) == (240.0, 300.0)
    assert made.dispatches == 1


def test_what_did_not_happen_is_null(tmp_path):
    made = summarize(SCENE, seen(tmp_path, [sample(1000, 400)], []), Played(1000.0, 1100.0))
    assert made.notice_to_resize_ms == {"p50": None, "p99": None}
    assert made.restored_s is None


def test_the_timeline_tells_events_decisions_and_capacity_in_order(tmp_path):
    lines = [
        line(
            1003, 5.3, signals=["interrupt i-1 (watcher)"], reasons={GROUP.key: "4 -> 5, 1 under notice"},
            set=[{"group": GROUP.key, "from": 4, "to": 5, "error": "Throttling: slow down"}],
        )
    ]  # fmt: skip
    played = Played(1000.0, moments=[Moment(1000.0, "aws-east loses 1 spot machine")])
    told = list(timeline(SCENE, seen(tmp_path, [sample(1060, 300)], lines), played))
    assert told[0] == "  0:00  aws-east loses 1 spot machine"
    assert "interrupt i-1" in told[1]
    assert "4 -> 5" in told[2]
    assert "1 under notice" in told[2]
    assert "failed: Throttling" in told[2]
    assert "75% of demand ready" in told[3]
