"""Replays checked by hand."""

from __future__ import annotations

import pytest

from allocator.replay.baselines import AsgMix, EvenSpread, OnDemand, RoundRobin, SpotHedge
from allocator.replay.bound import cost_bound, ready_at_most
from allocator.replay.engine import Answer, View, replay
from tests.allocator.replay.builders import STEP_S, world


class Scripted:
    """Answers what it was told, step by step, then nothing; keeps what it saw."""

    name, rounds = "scripted", 1

    def __init__(self, *answers: Answer, on_demand: int = 0) -> None:
        self.answers, self.seen = list(answers), []
        self.on_demand = on_demand

    def answer(self, view: View) -> Answer:
        self.seen.append(view)
        return self.answers.pop(0) if self.answers else Answer(on_demand=self.on_demand)


def test_a_launch_is_ready_a_cold_start_later_and_billed_from_acceptance():
    # 8 steps, 4 of them not counted. Launched at step 4, ready at step 6: met in steps 6 and 7, billed in 4..7.
    result = replay(
        world(starts=2, r1a=[1] * 8), Scripted(*[Answer()] * 4, Answer(launches=[(0,)]))
    )
    assert result.availability == 2 / 4
    assert result.cost == 4 * 0.25 / 4
    assert result.longest_outage_s == 2 * STEP_S
    assert result.shortfall == 2 / 4


def test_a_reclaim_takes_the_newest_replica_of_the_zone_and_is_seen_at_once():
    policy = Scripted(Answer(launches=[(0,)]), Answer(launches=[(0,)]))
    replay(world(target=2, r1a=[2, 2, 2, 1, 1, 1]), policy)
    assert [view.ready[0] for view in policy.seen] == [0, 1, 2, 1, 1, 1]
    assert [view.lost[0] for view in policy.seen] == [0, 0, 0, 1, 0, 0]


def test_a_refused_launch_costs_nothing_and_tries_the_next_zone_of_its_list():
    policy = Scripted(Answer(), Answer(), Answer(launches=[(0, 1), (0,)]))
    result = replay(world(r1a=[0] * 4, r2a=[1] * 4), policy)
    assert result.failed_launches == 2
    assert policy.seen[3].refused == [2, 0]
    assert policy.seen[3].ready == [0, 1]
    assert result.cost == 2 * 0.25 / 2


def test_a_notice_shows_replicas_as_doomed_before_their_zone_shrinks():
    policy = Scripted(Answer(launches=[(0,), (0,)]))
    replay(world(target=2, notice=2, r1a=[2, 2, 2, 2, 1, 1]), policy)
    assert [view.doomed[0] for view in policy.seen] == [0, 0, 1, 1, 0, 0]


def test_quiet_steps_are_booked_like_watched_ones():
    class Quiet(OnDemand):
        pass

    class Watchful(OnDemand):
        def answer(self, view: View) -> Answer:
            return Answer(on_demand=view.wanted)

    place = world(target=3, starts=2, r1a=[1, 0, 1, 1, 0, 0, 1, 1, 1, 0])
    assert replay(place, Quiet()) == replay(place, Watchful())


def test_even_spread_keeps_the_share_of_a_dead_zone_and_retries_it_in_place():
    result = replay(world(target=2, r1a=[1] * 6, r1b=[0] * 6), EvenSpread(world(r1a=[1], r1b=[0])))
    assert result.availability == 0.0
    assert result.shortfall == 0.5
    assert result.failed_launches == 3


def test_round_robin_moves_on_after_each_launch():
    # Zone a refuses at step 0, b accepts at step 1; from then on one replica is held and the cycle rests.
    place = world(r1a=[0] * 6, r1b=[1] * 6)
    result = replay(place, RoundRobin(place, 0))
    assert result.availability == 1.0
    assert result.spot_hours == pytest.approx(3 * STEP_S / 3600)


def test_the_asg_mix_stays_in_the_region_with_most_zones():
    place = world(target=10, r1a=[9] * 6, r2a=[9] * 6, r2b=[9] * 6)
    policy = AsgMix(place)
    answer = policy.answer(_view(place, wanted=10))
    assert answer.on_demand == 1
    assert sorted(launch[0] for launch in answer.launches) == [1] * 5 + [2] * 4


def test_spothedge_covers_what_is_not_ready_on_demand_but_never_more_than_is_wanted():
    place = world(target=2, r1a=[9] * 6, r2a=[9] * 6)
    answer = SpotHedge(place, 2).answer(_view(place, wanted=2))
    assert answer.on_demand == 2
    assert [launch[0] for launch in answer.launches] == [0, 1, 0, 1]
    assert SpotHedge(place, 2).answer(_view(place, wanted=2, ready=[2, 1])).on_demand == 1


def test_spothedge_leaves_a_zone_that_lost_a_replica_and_comes_back_when_one_is_ready_there():
    place = world(target=3, r1a=[9], r2a=[9], r3a=[9])
    policy = SpotHedge(place, 0)
    policy.answer(_view(place, wanted=3, lost=[1, 0, 0]))
    assert list(policy.active) == [1, 2]
    policy.answer(_view(place, wanted=3, fresh=[1, 0, 0]))
    assert list(policy.active) == [1, 2, 0]


def test_spothedge_never_has_a_single_active_zone():
    place = world(target=3, r1a=[9], r2a=[9], r3a=[9])
    policy = SpotHedge(place, 0)
    policy.answer(_view(place, wanted=3, lost=[1, 1, 0]))
    assert sorted(policy.active) == [0, 1, 2]
    assert not policy.preempting


def test_spothedge_with_instant_retry_asks_every_zone_before_giving_up():
    place = world(target=1, r1a=[0], r2a=[0], r3a=[0])
    answer = SpotHedge(place, 0, instant_retry=True).answer(_view(place, wanted=1))
    assert sorted(answer.launches[0]) == [0, 1, 2]


def test_the_bound_pays_on_demand_where_no_spot_replica_can_be_ready():
    place = world(starts=1, r1a=[1, 1, 1, 0, 1, 1])
    assert ready_at_most(place) == [[0, 1, 1, 0, 0, 1]]
    assert cost_bound(place) == pytest.approx((1 + 1 + 0.25) / 3)
    assert cost_bound(place, availability=0.6) == pytest.approx((1 + 0.25) / 3)


def _view(place, *, wanted, ready=None, lost=None, fresh=None) -> View:
    none = [0] * len(place.zones)
    return View(
        step=0, wanted=wanted, ready=ready or none, starting=none, doomed=none, on_demand_ready=0,
        on_demand_starting=0, lost=lost or none, refused=none, fresh=fresh or none,
    )  # fmt: skip
