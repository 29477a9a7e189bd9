"""Scale sets buy and end machines; a PUT replaces; what is in use stays."""

from __future__ import annotations

import pytest

from sandbox.azure.arm import GROUPS
from sandbox.fields import Json, get
from sandbox.kind import UPDATE, Context
from sandbox.machines import MACHINE, machines_of, quota_name
from sandbox.refusal import Refusal
from sandbox.world import Record
from tests.sandbox.azure_samples import ROWS, SAMPLES, T4, account, everything, scale_set

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
    token = "azure-native:network:NetworkSecurityGroup"
    wall = everything(ctx)[token]
    update(ctx, wall, {k: v for k, v in SAMPLES[token].items() if k != "securityRules"})
    assert get(wall.body, "properties.securityRules") is None


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
    with pytest.raises(Refusal, match="exceeding approved lowPriorityCores Cores quota"):
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
        ("azure-native:network:LoadBalancer", "LoadBalancerInUse"),
        ("azure-native:cdn:AFDOriginGroup", "in use by route all"),
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
