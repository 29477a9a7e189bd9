"""Ways to break a right plan, one promise each, with the words that the check must find for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.allocator.checker_plan import (
    EAST,
    EAST_SPOT,
    GCP,
    GCP_BASE,
    H100,
    L4,
    L4_TP2,
    WEST,
    WEST_SPOT,
    WEST_SPOT_TP2,
    cell,
    loss,
    plan,
    route,
)


def found(made: dict[str, Any], key: str) -> dict[str, Any]:
    return next(pool for pool in made["decisions"]["pools"] if pool["key"] == key)


Edit = Callable[[dict[str, Any]], object]


def pools_edit(key: str, **changes: Any) -> Edit:
    return lambda made: found(made, key).update(changes)


def money_edit(**changes: int) -> Edit:
    return lambda made: made["money"].update(
        {f"{name}_usd_micro": usd for name, usd in changes.items()}
    )


def decisions_edit(change: Callable[[dict[str, Any]], object]) -> Edit:
    return lambda made: change(made["decisions"])


def proof_edit(**changes: Any) -> Edit:
    return lambda made: made["proof"].update(changes)


def nominal(number: int, *shares: float) -> Edit:
    return decisions_edit(lambda d: d["routing"][number].update(shares_ppm=list(shares)))


def after_loss(number: int, **changes: Any) -> Edit:
    return decisions_edit(lambda d: d["losses"][number].update(changes))


def without(key: str) -> Edit:
    def edit(made: dict[str, Any]) -> None:
        made["decisions"]["pools"] = [p for p in made["decisions"]["pools"] if p["key"] != key]

    return edit


def both(*edits: Edit) -> Edit:
    return lambda made: [edit(made) for edit in edits]


SERVING: list[tuple[Edit, str]] = [
    (decisions_edit(lambda d: d["buckets"][0].update(requests_per_second=60.0)), "with nothing lost the pools serve 0."),
    (decisions_edit(lambda d: [s.update(requests_per_second=[0.5, 0.1]) for s in d["shapes"]]), "with nothing lost the pools serve 0."),
    (decisions_edit(lambda d: [s.update(requests_per_second=[9.0, 0.0]) for s in d["shapes"]]), "with nothing lost the pools serve 0.000000"),
    (both(pools_edit(EAST_SPOT, state="retiring"), pools_edit(GCP_BASE, state="retiring")), "with nothing lost the pools serve 0.5"),
    (nominal(3, 400_000, 599_999), "bucket 1 is routed 999999 ppm"),
    (nominal(3, 400_001, 600_000), "bucket 0 is routed 1000001 ppm"),
    (both(nominal(0, 500_001, 300_000), nominal(1, 500_000, 0), nominal(3, -1, 600_000)), f"shares to {GCP} {H100} are [-1, 600000]"),
    (nominal(0, 100_000.0, 300_000), f"shares to {EAST} {H100} are [100000.0, 300000]"),
    (decisions_edit(lambda d: d["shapes"][1].update(requests_per_second=[0.0, 0.0])), f"bucket 0 goes to {WEST} {L4}, which cannot serve it"),
    (nominal(0, 100_000), f"shares to {EAST} {H100} are [100000]"),
    (nominal(1, 500_000, 100_000), f"bucket 1 goes to {WEST} {L4}, which cannot serve it"),
    (decisions_edit(lambda d: d["routing"][1].update(cell=GCP)), f"requests go to {GCP} {L4}, where no replica is"),
    (decisions_edit(lambda d: d["routing"][1].update(shape="b200-tp1")), f"requests go to {WEST} b200-tp1, which is no shape"),
    (decisions_edit(lambda d: d["routing"].append(route(GCP, H100, 0, 0))), f"two routes to {GCP} {H100}"),
    (pools_edit(WEST_SPOT_TP2, nodes=0), f"requests go to {WEST} {L4_TP2}, where no replica is"),
    (both(nominal(3, 400_000, 0), nominal(2, 0, 700_000)), f"{WEST} {L4_TP2} is loaded 1.400000 with 1 replicas"),
    (decisions_edit(lambda d: d["cells"][0].update(share_ppm=166_000)), "the cells' shares add up to 999333 ppm"),
    (decisions_edit(lambda d: [d["cells"][0].update(share_ppm=176_667), d["cells"][1].update(share_ppm=356_667)]), f"cell {EAST} has a share of 176667 ppm, its routes 0.166667"),
    (pools_edit(GCP_BASE, replicas_per_node=1, nodes=0), "on-demand pools alone serve 0.000000"),
    (decisions_edit(lambda d: d["shapes"][0].update(requests_per_second=[4.0, 1.9])), "on-demand pools alone serve 0.97"),
    (pools_edit(GCP_BASE, role="spot"), "on-demand pools alone serve 0.000000"),
]  # fmt: skip

LOSSES: list[tuple[Edit, str]] = [
    (pools_edit(EAST_SPOT, nodes=0), f"after the loss of {GCP} the pools serve 0.5"),
    (decisions_edit(lambda d: d["shapes"][0].update(requests_per_second=[8.0, 0.9])), f"after the loss of {GCP} the pools serve 0.95"),
    (decisions_edit(lambda d: d["losses"].pop()), f"no loss of {GCP} in the plan"),
    (decisions_edit(lambda d: d["losses"].append(d["losses"][0])), f"loss of {EAST} is there twice"),
    (decisions_edit(lambda d: d["losses"].append(loss("aws-eu-west-1", *d["routing"]))), "loss of aws-eu-west-1, which is not in use"),
    (decisions_edit(lambda d: d.update(survive="none")), f"loss of {GCP}, which is not in use"),
    (decisions_edit(lambda d: d.update(survive="none", losses=[])), "survives none, asked was region"),
    (decisions_edit(lambda d: d.update(survive="cloud")), "no loss of aws in the plan"),
    (decisions_edit(lambda d: d.update(survive="zone")), "survive is 'zone'"),
    (after_loss(1, routing=plan()["decisions"]["routing"]), f"after the loss of {WEST} requests still go there"),
    (after_loss(0, routing=[route(EAST, H100, 0, 0), *plan()["decisions"]["losses"][0]["routing"]]), f"after the loss of {EAST} requests still go there"),
    (after_loss(2, routing=[route(EAST, H100, 250_000, 999_999), route(WEST, L4, 750_000, 0)]), f"after the loss of {GCP} bucket 1 is routed 999999 ppm"),
    (after_loss(2, routing=[route(EAST, H100, 0, 999_999), route(WEST, L4, 1_000_000, 1)]), f"after the loss of {GCP} bucket 1 goes to {WEST} {L4}, which cannot"),
    (after_loss(0, routing=[route(WEST, L4_TP2, 1_000_000, 1_000_000)]), f"after the loss of {EAST} {WEST} {L4_TP2} is loaded 2.8"),
    (after_loss(0, routing=[route(WEST, H100, 1_000_000, 1_000_000)]), f"after the loss of {EAST} requests go to {WEST} {H100}, where no replica is"),
    (after_loss(0, served_ppm=990_000), f"after the loss of {EAST} the plan says 0.990000 is served, promised is 1.0"),
    (after_loss(0, served_ppm=1_000_001), f"after the loss of {EAST} the plan says 1.000001 is served, more than there is"),
]  # fmt: skip

LIMITING: list[tuple[Edit, str]] = [
    (pools_edit(EAST_SPOT, nodes=2), f"stock of {EAST}-h100x2-spot is 1, the plan has 2"),
    (pools_edit(WEST_SPOT, nodes=2), f"stock of {WEST}-l4x2-spot is 2, the plan has 3"),
    (pools_edit(EAST_SPOT, role="base"), f"stock of {EAST}-h100x2-on_demand is 0, the plan has 1"),
    (pools_edit(EAST_SPOT, max_nodes=0), f"{EAST_SPOT} has 1 nodes, more than its most, 0"),
    (pools_edit(EAST_SPOT, state="retiring"), f"{EAST_SPOT} is retiring with 1 nodes"),
    (pools_edit(WEST_SPOT, nodes=2), "'cap': 4} is used up to 6"),
    (pools_edit(EAST_SPOT, nodes=2), "'cap': 3} is used up to 4"),
    (decisions_edit(lambda d: d["quota_groups"][0].update(cap=3)), "quota group aws-us-west-2-l4 is used up to 4 of 3"),
    (decisions_edit(lambda d: d["quota_groups"][0]["weights"][0].update(pool="x")), "quota group aws-us-west-2-l4 names x, which is no pool"),
    (pools_edit(GCP_BASE, nodes=2), f"{GCP} has 0.664032 of the capacity, allowed is 0.5"),
    (pools_edit(GCP_BASE, nodes=2), "gcp has 0.664032 of the capacity, allowed is 0.55"),
    (pools_edit(EAST_SPOT, nodes=0), "2 regions in use, promised are 3"),
    (pools_edit(GCP_BASE, role="fallback"), "1 clouds in use, promised are 2"),
    (pools_edit(GCP_BASE, nodes=0), "1 clouds in use, promised are 2"),
]  # fmt: skip

MONEY: list[tuple[Edit, str]] = [
    (money_edit(cells=400_000), "money: cells is 400000 micro-USD, should be 600000"),
    (money_edit(hourly=25_600_000), "money: hourly is 25600000 micro-USD, should be 26200000"),
    (pools_edit(WEST_SPOT, nodes=2), "money: hourly is 26200000 micro-USD, should be 27000000"),
    (money_edit(monthly=18_864_000_000), "money: monthly is 18864000000 micro-USD, should be 19126000000"),
    (money_edit(per_million_tokens=673_870), "money: per_million_tokens is 673870 micro-USD, should be 673868"),
    (money_edit(expected_fallback=139_999), "money: expected_fallback is 139999 micro-USD, should be 140000"),
    (pools_edit(EAST_SPOT, fallback_usd_micro_per_hour=0), "money: expected_fallback is 140000 micro-USD, should be 40000"),
    (money_edit(same_nodes_on_demand=26_000_000), "money: same_nodes_on_demand is 26000000 micro-USD, should be 34000000"),
    (money_edit(hourly=26_200_001), "budget is 26.2 USD per hour, the plan costs 26.200001"),
    (decisions_edit(lambda d: d["budgets"][0].update(usd_micro_per_hour=5_599_999)), "budget of aws is 5599999 micro-USD, its nodes cost 5600000"),
    (decisions_edit(lambda d: d["budgets"].append(d["budgets"][0])), "aws has two budgets"),
    (decisions_edit(lambda d: found({"decisions": d}, WEST_SPOT)["members"].reverse()), f"members of {WEST_SPOT} are not cheapest first"),
    (pools_edit(EAST_SPOT, price_usd_micro_per_hour=3_999_999), f"price of {EAST_SPOT} is 3999999, its cheapest member's 4000000"),
    (pools_edit(GCP_BASE, on_demand_usd_micro_per_hour=21_000_000), f"{GCP_BASE} costs 20000000, on demand 21000000"),
    (pools_edit(GCP_BASE, fallback_usd_micro_per_hour=1), f"{GCP_BASE} is on demand and expects to fall back"),
    (pools_edit(EAST_SPOT, fallback_usd_micro_per_hour=-1), f"{EAST_SPOT} earns from falling back"),
    (decisions_edit(lambda d: found({"decisions": d}, EAST_SPOT)["members"][0].update(price_usd_micro_per_hour=3_900_000)), f"{EAST_SPOT}: p5.2 costs 3900000, the market says 4.0 USD"),
    (decisions_edit(lambda d: found({"decisions": d}, EAST_SPOT)["members"][0].update(instance_type="p6")), f"{EAST_SPOT}: p6 is not sold on the spot market"),
    (pools_edit(GCP_BASE, role="spot"), f"{GCP_BASE}: a3.4 is not sold on the spot market"),
    (pools_edit(EAST_SPOT, on_demand_usd_micro_per_hour=10_000_002), f"{EAST_SPOT}: on demand 10000002, p5.2 is sold for 10.0 USD"),
    (pools_edit(EAST_SPOT, on_demand_usd_micro_per_hour=0), f"{EAST_SPOT}: on demand 0, p5.2 is sold for 10.0 USD"),
    (pools_edit(EAST_SPOT, on_demand_usd_micro_per_hour=2_000_000), f"{EAST_SPOT}: nothing is sold there on demand for 2000000"),
    (proof_edit(objective_usd_micro=26_200_000), "objective is 26200000 micro-USD, the plan costs 26340000"),
    (money_edit(expected_fallback=0), "objective is 26340000 micro-USD, the plan costs 26200000"),
    (proof_edit(bound_usd_micro=26_340_001), "objective 26340000 is below its bound 26340001"),
    (proof_edit(objective_usd_micro=0), "objective is 0 micro-USD"),
    (proof_edit(bound_usd_micro=-1), "bound is -1"),
    (proof_edit(relative_gap=0.0), "gap is 0.001518603, the plan says 0.0"),
    (proof_edit(bound_usd_micro=26_339_900), "gap is 0.000003797, the plan says 0.001518603"),
]  # fmt: skip

HEDGE: list[tuple[Edit, str]] = [
    (decisions_edit(lambda d: d["hedge"].pop()), "no hedge for gcp"),
    (decisions_edit(lambda d: d["hedge"].append(d["hedge"][0])), "two hedges for aws"),
    (decisions_edit(lambda d: d["hedge"][0].update(reserve=32_192)), "hedge of aws: 11520 + 32192 requests an hour, its pools serve 43714.3"),
    (pools_edit(GCP_BASE, nodes=2), "hedge of gcp: 10080 + 33120 requests an hour, its pools serve 86400.0"),
    (decisions_edit(lambda d: d["hedge"][0].update(demand=43_720, reserve=-6)), "hedge of aws: demand 43720, reserve -6"),
    (decisions_edit(lambda d: d["hedge"][0].update(demand=11_000, reserve=32_714)), "hedges: demands of 21080 requests an hour, should be 21600"),
    (pools_edit(f"{EAST}-h100x2-tp2-fallback", nodes=1), f"fallback pool {EAST}-h100x2-tp2-fallback has 1 nodes"),
    (decisions_edit(lambda d: d["fallback"].pop(0)), f"{EAST_SPOT} has no fallback"),
    (decisions_edit(lambda d: d["fallback"].pop(0)), f"fallback pool {EAST}-h100x2-tp2-fallback stands in for nothing"),
    (decisions_edit(lambda d: d["fallback"][0].update(stands=[])), f"{EAST_SPOT} has no fallback"),
    (without(f"{EAST}-h100x2-tp2-fallback"), f"stands in for {EAST_SPOT} and is no fallback pool"),
    (pools_edit(f"{EAST}-h100x2-tp2-fallback", role="spot"), f"stands in for {EAST_SPOT} and is no fallback pool"),
    (decisions_edit(lambda d: d["fallback"][0].update(pool=GCP_BASE)), f"{GCP_BASE} has a fallback and is no spot pool"),
    (pools_edit(f"{EAST}-h100x2-tp2-fallback", cloud="gcp", region="us-central1"), f"stands in for {EAST_SPOT} in another cloud"),
    (decisions_edit(lambda d: d["fallback"][0].update(pool="x")), "x has a fallback and is no spot pool"),
    (decisions_edit(lambda d: d["fallback"][2]["stands"].append({"pool": f"{WEST}-l4x2-tp1-fallback", "nodes_ppm": 0})), f"{WEST}-l4x2-tp1-fallback stands in for {WEST_SPOT_TP2} with 0 ppm of a node"),
    (decisions_edit(lambda d: d["fallback"][0]["stands"][0].update(nodes_ppm=0)), f"stands in for {EAST_SPOT} with 0 ppm of a node"),
    (decisions_edit(lambda d: d["fallback"][0]["stands"][0].update(nodes_ppm=500_000)), f"stands in for {EAST_SPOT} with 500000 ppm of a node, too little"),
]  # fmt: skip

FORM: list[tuple[Edit, str]] = [
    (decisions_edit(lambda d: d["pools"].append(d["pools"][1])), f"pools: {EAST_SPOT} is there twice"),
    (decisions_edit(lambda d: d["shapes"].append(d["shapes"][0])), f"shapes: {H100} is there twice"),
    (decisions_edit(lambda d: d["buckets"][0].update(requests_per_second=0.0)), "buckets without traffic"),
    (decisions_edit(lambda d: d.update(buckets=[])), "buckets without traffic"),
    (decisions_edit(lambda d: d["shapes"][0].update(requests_per_second=[-8.0, 4.0])), f"{H100} has requests/s [-8.0, 4.0]"),
    (pools_edit(EAST_SPOT, state="gone"), f"{EAST_SPOT} is gone spot"),
    (pools_edit(GCP_BASE, replicas_per_node=0), f"{GCP_BASE} has 4 GPUs for 0 replicas"),
    (decisions_edit(lambda d: d["shapes"][0].update(requests_per_second=[8.0])), f"{H100} has requests/s [8.0] for 2 buckets"),
    (decisions_edit(lambda d: d["shapes"].pop(0)), f"{EAST_SPOT} runs {H100}, which is no shape of the plan"),
    (pools_edit(EAST_SPOT, role="reserved"), f"{EAST_SPOT} is active reserved"),
    (pools_edit(EAST_SPOT, gpu="B200"), f"{EAST_SPOT} has other GPUs than its shape {H100}"),
    (pools_edit(GCP_BASE, replicas_per_node=3), f"{GCP_BASE} has 4 GPUs for 3 replicas"),
    (pools_edit(EAST_SPOT, nodes=1.5), f"{EAST_SPOT} has 1.5 nodes, not a whole number"),
    (pools_edit(EAST_SPOT, nodes=-1), f"{EAST_SPOT} has -1 nodes, not a whole number"),
    (pools_edit(EAST_SPOT, members=[]), f"{EAST_SPOT} has no members"),
    (decisions_edit(lambda d: d["cells"].pop(0)), f"{EAST} has pools and is no cell"),
    (decisions_edit(lambda d: d["cells"].append(cell("aws-eu-west-1", 0))), "cell aws-eu-west-1 has no pool"),
    (decisions_edit(lambda d: d["cells"][0].update(region="us-west-2")), f"cell {EAST} is aws us-west-2"),
    (proof_edit(relative_gap=float("nan")), "the plan is not plain JSON"),
    (proof_edit(relative_gap={1}), "the plan is not plain JSON"),
]  # fmt: skip


CLOUD_LOSSES: list[tuple[Edit, str]] = [
    (decisions_edit(lambda d: d["losses"].pop()), "no loss of gcp in the plan"),
    (after_loss(1, routing=[route(EAST, H100, 500_000, 1_000_000), route(GCP, H100, 500_000, 0)]), "after the loss of gcp requests still go there"),
    (pools_edit(EAST_SPOT, nodes=0), "after the loss of gcp the pools serve 0.5"),
    (decisions_edit(lambda d: d["losses"].append(loss(EAST, *d["losses"][0]["routing"]))), f"loss of {EAST}, which is not in use"),
]  # fmt: skip
