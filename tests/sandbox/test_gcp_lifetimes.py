"""What holds what in the emulated Google Cloud: deletions refused, parts of a router, addresses, refresh."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest
from pulumi_gcp import compute

from sandbox.gcp.balancer import ForwardingRule, RegionBackendService
from sandbox.gcp.health import RegionHealthCheck
from sandbox.gcp.nat import Address, Router, RouterNat
from sandbox.gcp.network import Network, Subnetwork
from sandbox.gcp.templates import RegionInstanceTemplate
from sandbox.kind import Context
from sandbox.machines import machines_of
from sandbox.refusal import Refusal
from tests.sandbox.foreign import engine
from tests.sandbox.gcp_builders import (
    GROUP,
    PROJECT,
    REGION,
    context,
    create,
    group,
    template,
)


@pytest.fixture
def ctx(tmp_path: Path) -> Context:
    return context(tmp_path)


def test_deleting_a_group_ends_its_machines(ctx: Context) -> None:
    record = group(ctx)
    GROUP.delete(ctx, record)
    assert ctx.world.all("gcp", "machine") == []


def test_what_is_in_use_cannot_be_deleted(ctx: Context) -> None:
    record = group(ctx)
    used = ctx.world.all("gcp", RegionInstanceTemplate.name)[0]
    with pytest.raises(Refusal, match=r"instance_template resource .* is already being used by"):
        RegionInstanceTemplate().delete(ctx, used)
    backends = [{"group": record.live["selfLink"], "balancingMode": "CONNECTION"}]
    create(
        ctx,
        RegionBackendService(),
        name="back",
        loadBalancingScheme="EXTERNAL",
        backends=backends,
    )
    with pytest.raises(Refusal, match="resourceInUseByAnotherResource"):
        GROUP.delete(ctx, record)
    assert len(machines_of(ctx.world, record)) == 4


def test_a_network_outlives_nothing_that_lives_in_it(ctx: Context) -> None:
    net = create(ctx, Network(), name="net")
    sub = create(ctx, Subnetwork(), name="sub", network="net", ipCidrRange="10.0.0.0/20")
    template(ctx, networkInterfaces=[{"subnetwork": sub.id}])
    with pytest.raises(
        Refusal, match=f"network resource '{net.id}' is already being used by '{sub.id}'"
    ):
        Network().delete(ctx, net)
    Subnetwork().delete(ctx, sub)  # a template is only a description, it holds nothing
    Network().delete(ctx, net)


def test_a_nat_gateway_is_a_part_of_its_router(ctx: Context) -> None:
    create(ctx, Network(), name="net")
    router = create(ctx, Router(), name="router", network="net")
    nats = {"sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES"}
    first = create(ctx, RouterNat(), name="one", router="router", **nats)
    create(ctx, RouterNat(), name="two", router="router", **nats)
    body = ctx.world.get("gcp", Router.name, router.id).body  # type: ignore[union-attr]
    assert [nat["name"] for nat in body["nats"]] == ["one", "two"]
    RouterNat().delete(ctx, first)
    kept = ctx.world.get("gcp", Router.name, router.id)
    assert kept is not None
    assert [nat["name"] for nat in kept.body["nats"]] == ["two"]
    Router().delete(ctx, kept)
    assert ctx.world.all("gcp", RouterNat.name) == []


def test_a_forwarding_rule_takes_the_reserved_address_or_a_new_one(ctx: Context) -> None:
    reserved = create(ctx, Address(), name="front")
    create(ctx, RegionBackendService(), name="back", loadBalancingScheme="EXTERNAL")
    rule = {"backendService": "back", "loadBalancingScheme": "EXTERNAL", "ports": ["80"]}
    fixed = create(ctx, ForwardingRule(), name="a", ipAddress=reserved.id, **rule)
    fresh = create(ctx, ForwardingRule(), name="b", **rule)
    assert fixed.live["address"] == reserved.live["address"]
    assert fresh.live["address"] != reserved.live["address"]
    with pytest.raises(Refusal, match=r"address resource .* is already being used"):
        Address().delete(ctx, reserved)


def test_a_health_check_is_held_by_group_and_backend(ctx: Context) -> None:
    check = create(ctx, RegionHealthCheck(), name="check", tcpHealthCheck={"port": 80})
    group(ctx, autoHealingPolicies={"healthCheck": check.id, "initialDelaySec": 60})
    with pytest.raises(Refusal, match="health_check resource"):
        RegionHealthCheck().delete(ctx, check)


def test_refresh_is_clean_after_up_and_shows_a_size_that_others_set(tmp_path: Path) -> None:
    place = {"project": PROJECT, "region": REGION}

    def program() -> None:
        tpl = compute.RegionInstanceTemplate(
            "tpl",
            name_prefix="tpl-",
            machine_type="g2-standard-4",
            disks=[{"disk_size_gb": 100}],
            scheduling={"on_host_maintenance": "TERMINATE"},
            **place,
        )
        declared = compute.RegionInstanceGroupManager(
            "declared",
            base_instance_name="a",
            versions=[{"instance_template": tpl.self_link}],
            target_size=1,
            **place,
        )
        compute.RegionInstanceGroupManager(
            "undeclared",
            base_instance_name="b",
            versions=[{"instance_template": tpl.self_link}],
            **place,
        )
        pulumi.export("size", declared.target_size)

    with engine(program, tmp_path) as (stack, world):
        stack.up()
        assert stack.refresh().summary.resource_changes == {"same": 4}
        for record in world.all("gcp", GROUP.name):
            record.body["targetSize"] = 5
            world.put(record)
        assert stack.refresh().summary.resource_changes == {"same": 3, "update": 1}
        preview = stack.preview()
        assert preview.change_summary == {"same": 3, "update": 1}
        stack.up()
        sizes = {
            r.body["baseInstanceName"]: r.body["targetSize"] for r in world.all("gcp", GROUP.name)
        }
        assert sizes == {"a": 1, "b": 5}
        stack.destroy()
        assert world.all("gcp") == []


def test_a_changed_template_is_made_first_then_its_group_follows_then_the_old_one_goes(
    tmp_path: Path,
) -> None:
    place = {"project": PROJECT, "region": REGION}
    label = "old"

    def program() -> None:
        tpl = compute.RegionInstanceTemplate(
            "tpl",
            name_prefix="tpl-",
            machine_type="e2-standard-4",
            labels={"release": label},
            disks=[{"disk_size_gb": 100}],
            **place,
        )
        compute.RegionInstanceGroupManager(
            "group",
            base_instance_name="a",
            versions=[{"instance_template": tpl.self_link}],
            **place,
        )

    with engine(program, tmp_path) as (stack, world):
        stack.up()
        (before,) = world.all("gcp", RegionInstanceTemplate.name)
        label = "new"
        changes = stack.up().summary.resource_changes
        assert changes == {"same": 1, "replace": 1, "update": 1}
        (after,) = world.all("gcp", RegionInstanceTemplate.name)
        assert (before.tags, after.tags) == ({"release": "old"}, {"release": "new"})
        (follower,) = world.all("gcp", GROUP.name)
        assert follower.parents == [after.id]
