"""Scale sets buy and end machines; a PUT replaces; what is in use stays."""

from __future__ import annotations

import pytest

from sandbox.azure.arm import GROUPS
from sandbox.fields import Json, get
from sandbox.kind import UPDATE, Context
from sandbox.machines import MACHINE, machines_of, quota_name
from sandbox.refusal import Refusal
from sandbox.world import Record
from tests.sandbox.azure_samples import (
    A100,
    GROUP,
    ROWS,
    SAMPLES,
    T4,
    account,
    create,
    everything,
    machine,
    scale_set,
)

SCALE_SET = "azure-native:compute:VirtualMachineScaleSet"


@pytest.fixture
def ctx(tmp_path) -> Context:
    return account(tmp_path)


def update(ctx: Context, record: Record, inputs: Json) -> Record:
    kind = next(kind for kind in ROWS.values() if kind.name == record.kind)
    body = kind.body(inputs)
    with ctx.world.change():
        kind.check(ctx, body, UPDATE)
        kind.update(ctx, record, body, inputs)
    return record


def sized(capacity: int) -> Json:
    return scale_set(sku={"name": T4, "tier": "Standard", "capacity": capacity})


def test_a_capacity_becomes_spot_machines_of_the_size(ctx: Context):
    nodes = everything(ctx)[SCALE_SET]
    bought = [(m.body["instance_type"], m.body["market"]) for m in machines_of(ctx.world, nodes)]
    assert bought == [(T4, "spot")] * 2
    assert len(machines_of(ctx.world, update(ctx, nodes, sized(1)))) == 1


def test_a_put_without_a_capacity_keeps_the_running_one(ctx: Context):
    nodes = everything(ctx)[SCALE_SET]
    update(ctx, nodes, scale_set(sku={"name": T4}, tags={"release": "2"}))
    assert get(nodes.body, "sku.capacity") == 2
    assert nodes.tags == {"release": "2"}


def test_a_put_takes_away_what_it_leaves_out(ctx: Context):
    token = "azure-native:network:LoadBalancer"
    balancer = everything(ctx)[token]
    update(ctx, balancer, {k: v for k, v in SAMPLES[token].items() if k != "loadBalancingRules"})
    assert get(balancer.body, "properties.loadBalancingRules") is None


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("priority", {"virtualMachineProfile": machine(priority="Low")}),
        ("platformFaultDomainCount", {"platformFaultDomainCount": 5, "zones": ["1", "2"]}),
        (
            "orchestrationMode",
            {"orchestrationMode": "Uniform", "upgradePolicy": {"mode": "Manual"}},
        ),
        ("zones", {"zones": ["1"]}),
    ],
)
def test_what_a_scale_set_has_for_life_is_not_changed(ctx: Context, name: str, changed: Json):
    nodes = everything(ctx)[SCALE_SET]
    kind = ROWS[SCALE_SET]
    with pytest.raises(Refusal, match=f"PropertyChangeNotAllowed: Changing property '{name}'"):
        kind.update(ctx, nodes, kind.body(scale_set(**changed)), {})


def test_zones_can_be_added_and_words_are_taken_in_any_case(ctx: Context):
    nodes = everything(ctx)[SCALE_SET]
    more = {"zones": ["1", "2", "3"], "virtualMachineProfile": machine(priority="spot")}
    update(ctx, nodes, scale_set(orchestrationMode="flexible", **more))
    assert {m.body["market"] for m in machines_of(ctx.world, nodes)} == {"spot"}


def test_an_image_of_an_own_gallery_may_exist(ctx: Context):
    everything(ctx)
    image = f"{GROUP}/providers/Microsoft.Compute/galleries/ours/images/gpu/versions/1.0.0"
    profile = machine()
    profile["storageProfile"] |= {"imageReference": {"id": image}}
    create(ctx, SCALE_SET, scale_set(vmScaleSetName="own", virtualMachineProfile=profile))


def test_a_group_for_machines_made_by_hand_needs_no_size(ctx: Context):
    everything(ctx)
    inputs = scale_set(vmScaleSetName="empty")
    del inputs["sku"], inputs["virtualMachineProfile"]
    assert machines_of(ctx.world, create(ctx, SCALE_SET, inputs)) == []


def test_a_resource_does_not_move_to_another_region(ctx: Context):
    token = "azure-native:network:NetworkSecurityGroup"
    wall = everything(ctx)[token]
    update(ctx, wall, SAMPLES[token] | {"location": "East US"})
    with pytest.raises(Refusal, match="InvalidResourceLocation"):
        update(ctx, wall, SAMPLES[token] | {"location": "westus"})


def test_regular_machines_count_against_the_quota_of_their_family(ctx: Context):
    everything(ctx)
    ctx.world.set_setting(quota_name("azure", "eastus", "standardNCADSA100v4Family"), "24")
    profile = {k: v for k, v in machine(priority="Regular").items() if k not in ("evictionPolicy", "billingProfile")}  # fmt: skip
    sku = {"name": A100, "tier": "Standard", "capacity": 2}
    with pytest.raises(Refusal, match="exceeding approved standardNCADSA100v4Family Cores quota"):
        create(ctx, SCALE_SET, scale_set(vmScaleSetName="two", sku=sku, virtualMachineProfile=profile))  # fmt: skip


def test_the_last_origin_behind_a_route_is_not_disabled_either(ctx: Context):
    token = "azure-native:cdn:AFDOrigin"
    origin = everything(ctx)[token]
    with pytest.raises(Refusal, match="Cannot disable or delete the last origin"):
        update(ctx, origin, SAMPLES[token] | {"enabledState": "Disabled"})


def test_an_endpoint_takes_its_routes_with_it(ctx: Context):
    door = everything(ctx)["azure-native:cdn:AFDEndpoint"]
    ROWS["azure-native:cdn:AFDEndpoint"].delete(ctx, door)
    assert ctx.world.all("azure", ROWS["azure-native:cdn:Route"].name) == []


def test_a_request_beyond_the_stock_changes_nothing(ctx: Context):
    nodes = everything(ctx)[SCALE_SET]
    with pytest.raises(Refusal, match="SkuNotAvailable"):
        update(ctx, nodes, sized(17))
    kept = ctx.world.get("azure", nodes.kind, nodes.id)
    assert get(kept.body, "sku.capacity") == 2
    assert len(machines_of(ctx.world, kept)) == 2


def test_spot_counts_against_its_own_quota(ctx: Context):
    ctx.world.set_setting(quota_name("azure", "eastus", "lowPriorityCores"), "12")
    nodes = everything(ctx)[SCALE_SET]
    with pytest.raises(Refusal, match="exceeding approved LowPriorityCores quota"):
        update(ctx, nodes, sized(4))
    assert len(machines_of(ctx.world, update(ctx, nodes, sized(3)))) == 3


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("azure-native:network:Subnet", "InUseSubnetCannotBeDeleted"),
        ("azure-native:network:VirtualNetwork", "InUseSubnetCannotBeDeleted"),
        ("azure-native:network:NatGateway", "InUseNatGatewayCannotBeDeleted"),
        ("azure-native:network:NetworkSecurityGroup", "InUseNetworkSecurityGroupCannotBeDeleted"),
        ("azure-native:network:PublicIPAddress", "PublicIPAddressCannotBeDeleted"),
        ("azure-native:network:LoadBalancer", "LoadBalancerInUseByVirtualMachineScaleSet"),
        ("azure-native:cdn:AFDOriginGroup", "in use by route all"),
        ("azure-native:cdn:AFDOrigin", "Cannot disable or delete the last origin"),
    ],
)
def test_what_others_stand_on_is_not_deleted(ctx: Context, token: str, code: str):
    record = everything(ctx)[token]
    with pytest.raises(Refusal, match=code):
        ROWS[token].delete(ctx, record)
    assert ctx.world.get("azure", record.kind, record.id)


def test_a_deleted_resource_group_takes_everything_with_it(ctx: Context):
    everything(ctx)
    group = "azure-native:resources:ResourceGroup"
    (record,) = ctx.world.all("azure", GROUPS)
    ROWS[group].delete(ctx, record)
    assert ctx.world.all() == []


def test_the_reverse_order_of_creation_takes_everything_down(ctx: Context):
    for token, record in reversed(everything(ctx).items()):
        ROWS[token].delete(ctx, record)
    assert ctx.world.all() == []
    assert ctx.world.all("azure", MACHINE) == []
