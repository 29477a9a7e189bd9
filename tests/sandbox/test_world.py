"""The clouds' state survives a restart, and a refused call leaves nothing behind."""

from __future__ import annotations

import pytest

from sandbox.machines import Order, fill, machines_of, quota_name, stock_name
from sandbox.market import SPOT, Market
from sandbox.world import Record, World
from tests.sandbox.foreign import sale

ZONES = ("use1-az1", "use1-az2")
MARKET = Market(
    [sale("aws", "us-east-1", zone, "g6.xlarge") for zone in ZONES]
    + [sale("aws", "us-east-1", "use1-az1", "g6.2xlarge", vcpus=8)]
    + [sale("aws", "us-east-1", "use1-az1", "p5.48xlarge", spot_usd_micro=None)]
)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path / "clouds.db", MARKET)
    yield world
    world.close()


def group(world, **known):
    return world.put(Record("aws", "group", "g1", "us-east-1", {}, **known))


def order(of, desired, *members, zones=()):
    return Order(of, desired, members or ("g6.xlarge",), zones, SPOT, "g-spot")


def test_records_and_serials_go_on_after_a_restart(tmp_path):
    first = World(tmp_path / "clouds.db", MARKET)
    group(first, tags={"stack": "a"})
    given_before = first.new_hex(8)
    first.close()
    second = World(tmp_path / "clouds.db", MARKET)
    assert second.get("aws", "group", "g1").tags == {"stack": "a"}
    assert second.new_hex(8) != given_before
    second.close()


def test_a_failed_change_is_undone_whole(world):
    def failing():
        with world.change():
            group(world)
            raise KeyError("half-way")

    with pytest.raises(KeyError):
        failing()
    assert world.all() == []


def test_machines_spread_over_zones_by_what_is_left(world):
    of = group(world)
    assert fill(world, order(of, 4)) == []
    zones = [machine.body["zone"] for machine in machines_of(world, of)]
    assert sorted(zones) == ["use1-az1", "use1-az1", "use1-az2", "use1-az2"]


def test_a_dry_type_is_replaced_by_the_next_member_and_a_dry_region_says_so(world):
    for sale_ in MARKET.sales_of("aws", "us-east-1", "g6.xlarge"):
        world.set_setting(stock_name(sale_, SPOT), "0")
    world.set_setting(stock_name(MARKET.sales_of("aws", "us-east-1", "g6.2xlarge")[0], SPOT), "1")
    of = group(world)
    missing = fill(world, order(of, 2, "g6.xlarge", "g6.2xlarge"))
    assert [m.body["instance_type"] for m in machines_of(world, of)] == ["g6.2xlarge"]
    assert [(m.reason, m.instance_type) for m in missing] == [("stock", "g6.xlarge"), ("stock", "g6.2xlarge")]  # fmt: skip


def test_what_is_not_sold_on_a_market_or_in_a_zone_cannot_be_launched(world):
    of = group(world)
    assert fill(world, order(of, 1, "p5.48xlarge"))[0].reason == "not_sold"
    assert fill(world, order(of, 1, "g6.2xlarge", zones=("use1-az2",)))[0].reason == "not_sold"


def test_a_quota_counts_vcpus_of_running_machines(world):
    world.set_setting(quota_name("aws", "us-east-1", "g-spot"), "9")
    of = group(world)
    missing = fill(world, order(of, 5))
    assert len(machines_of(world, of)) == 2
    assert missing[0].reason == "quota"


def test_shrinking_ends_the_newest_machines_first(world):
    of = group(world)
    fill(world, order(of, 3))
    oldest = machines_of(world, of)[0].id
    fill(world, order(of, 1))
    assert [machine.id for machine in machines_of(world, of)] == [oldest]
