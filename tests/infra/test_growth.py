"""What a plan for another rate may change: bounds and weights of groups that are there, the published plans, and new groups."""

from __future__ import annotations

from typing import Any

from tests.infra import plans
from tests.infra.declared import Declared, declared

PUBLISHED = {
    ("BucketObjectv2", "content"),
    ("BucketObject", "content.value"),
    ("Blob", "source.text"),
}
PLAN_OF_AWS = ("BucketObjectv2", "content")
MAY_CHANGE = {("Group", "maxSize"), ("AFDOrigin", "weight"), *PUBLISHED}


def changes(old: Declared, new: Declared) -> set[tuple[str, str]]:
    """(type, path) of every input that differs, over resources that are in both."""
    before, after = old.inputs(), new.inputs()
    return {
        (kind.rsplit(":", 1)[-1], path)
        for kind, name in before.keys() & after.keys()
        for path in _differing(before[kind, name], after[kind, name])
    }


def _differing(old: Any, new: Any, path: str = "") -> set[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        return {
            found
            for key in old.keys() | new.keys()
            for found in _differing(old.get(key), new.get(key), f"{path}.{key}" if path else key)
        }
    return set() if old == new else {path}


def test_twice_the_rate_changes_bounds_weights_and_published_plans_alone(
    three_clouds: Declared,
) -> None:
    grown = declared(plans.doubled(plans.plan()))
    assert grown.inputs().keys() == three_clouds.inputs().keys()
    assert changes(three_clouds, grown) == MAY_CHANGE


def test_a_new_pool_changes_nothing_but_the_list_of_gcps_backends(three_clouds: Declared) -> None:
    cells = (plans.AWS, plans.GCP, plans.AZURE)
    added = tuple(
        plans.pool(cell, "base", key=f"{cell.key}-a100-40gbx1-tp1-base") for cell in cells
    )
    grown = declared(plans.plan(pools=(*plans.plan().decisions.pools, *added)))
    assert changes(three_clouds, grown) == {("RegionBackendService", "backends"), *PUBLISHED}
    new = {name for _, name in grown.inputs().keys() - three_clouds.inputs().keys()}
    assert all("a100-40gbx1-tp1-base" in name for name in new)


def test_a_new_cell_leaves_the_others_alone() -> None:
    one = declared(plans.plan(plans.AWS))
    assert changes(one, declared(plans.plan(plans.AWS, plans.AZURE))) == {PLAN_OF_AWS}


def test_a_new_zone_moves_no_subnet(three_clouds: Declared) -> None:
    zones = ("use1-az1", "use1-az2", "use1-az3", "use1-az4")
    wider = plans.Cell("aws-us-east-1", "aws", "us-east-1", zones, 600_000)
    grown = declared(plans.plan(wider, plans.GCP, plans.AZURE))
    assert changes(three_clouds, grown) == {("LoadBalancer", "subnets"), *PUBLISHED}
