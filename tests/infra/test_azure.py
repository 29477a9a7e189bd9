"""Azure: the declared inputs keep clear of the cloud's known pitfalls."""

from __future__ import annotations

import base64
import dataclasses

from tests.infra import plans
from tests.infra.declared import Declared, declared, settings

SPOT = "azure-eastus-l4x1-tp1-spot-nc4as-t4-v3"
SISTER = "azure-eastus-l4x1-tp1-spot-nc8as-t4-v3"
FALLBACK = "azure-eastus-l4x1-tp1-fallback-nc4as-t4-v3"


def test_each_instance_type_of_a_pool_has_its_own_set_without_a_capacity(
    three_clouds: Declared,
) -> None:
    skus = [three_clouds.one("VirtualMachineScaleSet", n).inputs["sku"] for n in (SPOT, SISTER)]
    names = ("Standard_NC4as_T4_v3", "Standard_NC8as_T4_v3")
    assert skus == [{"name": name, "tier": "Standard"} for name in names]


def test_sets_are_flexible_with_one_fault_domain_and_the_network_api_that_asks_for(
    three_clouds: Declared,
) -> None:
    for scale_set in three_clouds.of("VirtualMachineScaleSet"):
        assert scale_set.inputs["orchestrationMode"] == "Flexible"
        assert scale_set.inputs["platformFaultDomainCount"] == 1
        network = scale_set.inputs["virtualMachineProfile"]["networkProfile"]
        assert network["networkApiVersion"] == "2020-11-01"


def test_spot_machines_are_deleted_at_eviction_at_any_price(three_clouds: Declared) -> None:
    profile = three_clouds.one("VirtualMachineScaleSet", SPOT).inputs["virtualMachineProfile"]
    assert profile["priority"] == "Spot"
    assert profile["evictionPolicy"] == "Delete"
    assert profile["billingProfile"] == {"maxPrice": -1}


def test_fallback_machines_are_regular(three_clouds: Declared) -> None:
    scale_set = three_clouds.one("VirtualMachineScaleSet", FALLBACK).inputs
    profile = scale_set["virtualMachineProfile"]
    assert profile["priority"] == "Regular"
    assert not {"evictionPolicy", "billingProfile"} & profile.keys()


def test_spot_sets_ask_for_nothing_that_flexible_spot_sets_refuse(three_clouds: Declared) -> None:
    scale_set = three_clouds.one("VirtualMachineScaleSet", SPOT).inputs
    assert "spotRestorePolicy" not in scale_set
    assert "scheduledEventsProfile" not in scale_set["virtualMachineProfile"]


def test_nobody_logs_in_with_a_password_and_computer_names_are_short(
    three_clouds: Declared,
) -> None:
    profile = three_clouds.one("VirtualMachineScaleSet", SPOT).inputs["virtualMachineProfile"]
    linux = profile["osProfile"]["linuxConfiguration"]
    assert linux["disablePasswordAuthentication"] is True
    assert len(profile["osProfile"]["computerNamePrefix"]) <= 9
    assert base64.b64decode(profile["osProfile"]["customData"]).startswith(b"#cloud-config\n")


def test_zones_are_named_only_where_the_plan_knows_them(three_clouds: Declared) -> None:
    assert "zones" not in three_clouds.one("VirtualMachineScaleSet", SPOT).inputs
    zonal = dataclasses.replace(plans.AZURE, zones=("1", "2"))
    found = declared(plans.plan(zonal))
    assert found.one("VirtualMachineScaleSet", SPOT).inputs["zones"] == ["1", "2"]


def test_replicas_reach_out_through_the_nat_gateway_alone(three_clouds: Declared) -> None:
    subnet = three_clouds.one("Subnet", "azure-eastus").inputs
    assert subnet["defaultOutboundAccess"] is False
    assert subnet["natGateway"]["id"].endswith("NatGateway/azure-eastus")
    (rule,) = three_clouds.one("LoadBalancer", "azure-eastus").inputs["loadBalancingRules"]
    assert rule["disableOutboundSnat"] is True


def test_the_balancers_rule_points_at_its_own_parts(three_clouds: Declared) -> None:
    inputs = three_clouds.one("LoadBalancer", "azure-eastus").inputs
    own = "azure-native:resources:ResourceGroup/azure-eastus/providers/Microsoft.Network/loadBalancers/azure-eastus"
    (rule,) = inputs["loadBalancingRules"]
    assert inputs["loadBalancerName"] == "azure-eastus"
    assert rule["probe"]["id"] == f"{own}/probes/{inputs['probes'][0]['name']}"
    assert rule["frontendPort"] == rule["backendPort"] == 8000


def test_only_the_edge_may_call_where_there_is_one() -> None:
    for edge, tag in (("front-door", "AzureFrontDoor.Backend"), ("none", "Internet")):
        found = declared(plans.plan(plans.AZURE), settings({"edge": edge}))
        (rule,) = found.one("NetworkSecurityGroup").inputs["securityRules"]
        assert rule["sourceAddressPrefix"] == tag
