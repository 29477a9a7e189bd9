"""From offerings to pools: what is dropped is counted, sisters share a pool."""

from __future__ import annotations

import pytest

from allocator.candidates import allowed, candidates, wanted_shapes
from allocator.errors import SpecError
from allocator.plan import Shape
from allocator.snapshot import read_snapshot
from allocator.spec import Spec
from tests.allocator.builders import config, project, row


@pytest.fixture
def market(tmp_path):
    """Reads rows as a snapshot."""

    def read(rows=None):
        return read_snapshot(project(tmp_path, rows=rows) / "stacks/snapshots/small.json")

    return read


def pools(spec, snapshot, idle=()):
    offerings, dropped = allowed(spec, snapshot)
    shapes = tuple(
        Shape(f"{g}-{t}", g, t, (0.0 if g in idle else 1.0,), ("model",))
        for g, t in wanted_shapes(offerings)
    )
    made, unsold = candidates(spec, offerings, shapes)
    return {c.key: c for c in made}, {c.reason: c.offers for c in [*dropped, *unsold]}


def test_dropped_offers_are_counted_with_their_reasons(market):
    spec = Spec.read(config(market__clouds=["aws", "azure"], market__regions=["aws-us-east-1", "azure-*"],
                            market__max_usd_per_gpu_hour=2.0))  # fmt: skip
    _, dropped = pools(spec, market())
    assert dropped == {
        "cloud not allowed": 2,
        "region not allowed": 2,
        "no throughput profile for A10": 2,
        "no spot price": 1,
        "on-demand price above max_usd_per_gpu_hour": 2,
    }


def test_offers_whose_shapes_serve_nothing_are_counted(market):
    made, dropped = pools(Spec.read(config()), market(), idle={"L40S", "H100"})
    assert {c.shape.gpu for c in made.values()} == {"A100-80GB"}
    assert dropped == {
        "no throughput profile for A10": 2,
        "no spot price": 1,
        "serves no request within the SLO": 7,
    }


def test_every_offer_is_in_a_pool_or_dropped(market):
    snapshot = market()
    made, dropped = pools(Spec.read(config(market__max_usd_per_gpu_hour=2.0)), snapshot)
    used = {(c.market, c.cloud, c.region, m.instance_type, z) for c in made.values() for m in c.members for z in m.zones or ("",)}  # fmt: skip
    assert len(used) + sum(dropped.values()) == 2 * len(snapshot.offerings)


def test_a_price_that_rests_on_an_assumption_says_so(market):
    rows = [row(spot_assumed="guessed"), row(zones=["use1-az2"], spot_assumed="guessed"), row(region="us-west-2", zones=["usw2-az1"])]  # fmt: skip
    made, _ = pools(Spec.read(config()), market(rows))
    said = {key: [m.assumed for m in pool.members] for key, pool in made.items()}
    assert said == {
        "aws-us-east-1-l40sx1-tp1-spot": ["guessed"],
        "aws-us-east-1-l40sx1-tp1-base": [""],
        "aws-us-west-2-l40sx1-tp1-spot": [""],
        "aws-us-west-2-l40sx1-tp1-base": [""],
    }


def test_zones_of_one_type_are_one_member_at_their_mean_price(market):
    made, _ = pools(Spec.read(config()), market())
    (member,) = made["aws-us-east-1-l40sx1-tp1-spot"].members
    assert member.zones == ("use1-az1", "use1-az2")
    assert member.price_usd_micro_per_hour == 700_000


def test_sister_types_with_the_same_gpus_are_members_cheapest_first(market):
    rows = [
        row(),
        row(instance_type="g6e.2xlarge", spot_usd=0.5),
        row(instance_type="g6e.12xlarge", gpus=4),
    ]
    made, _ = pools(Spec.read(config()), market(rows))
    pool = made["aws-us-east-1-l40sx1-tp1-spot"]
    assert [m.instance_type for m in pool.members] == ["g6e.2xlarge", "g6e.xlarge"]
    assert pool.price == 500_000
    assert "aws-us-east-1-l40sx4-tp2-spot" in made


def test_the_degrees_of_one_machine_share_its_stock(market):
    made, _ = pools(Spec.read(config()), market())
    degrees = [c for c in made.values() if c.shape.gpu == "H100"]
    assert {c.shape.tensor_parallel: c.replicas for c in degrees} == {1: 8, 2: 4, 4: 2, 8: 1}
    assert {(c.stock, c.stock_nodes) for c in degrees} == {("aws-us-east-1-h100x8-on_demand", 16)}


def test_often_interrupted_spot_is_left_out_and_on_demand_stays(market):
    spec = Spec.read(config(market__max_interruption_band=1))
    made, dropped = pools(spec, market([row(interruption_band=3)]))
    assert list(made) == ["aws-us-east-1-l40sx1-tp1-base"]
    assert dropped == {"interruption band above max_interruption_band": 1}


def test_with_a_limit_on_interruptions_spot_of_unknown_band_is_left_out(market):
    spec = Spec.read(config(market__max_interruption_band=4))
    made, dropped = pools(spec, market([row(interruption_band=None), row(zones=["use1-az2"])]))
    assert made["aws-us-east-1-l40sx1-tp1-spot"].members[0].zones == ("use1-az2",)
    assert dropped == {"interruption band unknown": 1}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"market__gpus": ["L40"]}, "market.gpus: unknown GPU 'L40'; did you mean L40S"),
        ({"market__gpus": ["A10"]}, "market.gpus: A10 has no throughput profile; profiled: "),
        ({"market__regions": ["aws-us-eest-1"]}, "market.regions: unknown region 'aws-us-eest-1'; did you mean aws-us-east-1"),
    ],
)  # fmt: skip
def test_names_that_the_market_does_not_have_are_refused(market, changes, said):
    with pytest.raises(SpecError, match=said):
        allowed(Spec.read(config(**changes)), market())
