"""Somebody else's Pulumi program that does everything wrong on Azure, and a few things right."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_azure_native import cdn, compute, network, resources

from tests.sandbox.azure_samples import A100, T4, machine

PLACE = {"location": "eastus"}
REASONS = {
    "no-group": "Resource group 'nowhere' could not be found",
    "dynamic": "must have AllocationMethod set to Static",
    "no-range": "must have an address space",
    "twin-rules": "cannot have the same Priority and Direction",
    "low-priority": "Value must be between 100 and 4096",
    "no-subnet-range": "must have an address prefix",
    "host-bits": "the address prefix should be 10.0.2.0/24",
    "no-cidr": "should follow CIDR notation",
    "outside": "NetcfgSubnetRangeOutsideVnet: Subnet",
    "overlap": "NetcfgSubnetRangesOverlap: Subnet",
    "no-nat": "natGateways/missing referenced by resource",
    "taken-address": "that is already allocated to resource",
    "basic-address": "PublicIPAndLBSkuDoNotMatch: Standard sku load balancer",
    "idle": "Value must be between 4 and 100 minutes",
    "no-backend": "backendAddressPools/other referenced by resource",
    "no-network-api": "networkApiVersion' is missing",
    "no-fault-domains": "platformFaultDomainCount' is missing",
    "fault-domains": "platformFaultDomainCount higher than 1",
    "restore": "'spotRestorePolicy' is not valid",
    "terminate": "Terminate notification cannot be enabled on Azure Spot",
    "evict-regular": "Eviction policy can be set only on Azure Spot",
    "price-regular": "Max price is supported only for Azure Spot",
    "price-zero": "only supported values for max price are -1 or a decimal greater than zero",
    "too-cheap": "the provided max price '0.01 USD' is lower than the current spot price '0.3 USD'",
    "uniform": "'upgradePolicy' is missing",
    "far-subnet": "that both resources are in the same region",
    "no-keys": "SSH or by user name and password must be enabled",
    "long-prefix": "'computerNamePrefix' must be 1 to 58",
    "no-subnet": "subnets/missing referenced by resource",
    "no-stock": "SkuNotAvailable: The requested VM size for resource 'Following SKUs have failed for Capacity "
    "Restrictions: Standard_NC24ads_A100_v4' is currently not available in location 'eastus'",
    "not-sold": "Standard_ND96isr_H100_v5' is currently not available",
    "wrong-place": "The provided location 'norwayeast' is not available",
    "silent": "'originResponseTimeoutSeconds' is 300; it must be between 16 and 240",
    "samples": "must not exceed 'sampleSize'",
    "latency": "must be between 0 and 1000",
    "heavy": "'weight' is 2000; it must be between 1 and 1000",
    "sixth": "'priority' is 6; it must be between 1 and 5",
    "same-host": "has host name a.example.com already",
    "empty": "at least one enabled origin",
    "second-route": "already matches ['/*']",
}
"""What Azure says to each resource of the program that it does not accept."""


def program() -> None:
    group = resources.ResourceGroup("group", **PLACE)
    name = group.name
    subnet, pool = networks(name, group.id)
    scale_sets(name, subnet, pool)
    edge(name)


def networks(group: Any, group_id: Any) -> tuple[Any, Any]:
    here = {"resource_group_name": group} | PLACE
    network.PublicIPAddress("no-group", resource_group_name="nowhere", **PLACE)
    network.PublicIPAddress("dynamic", sku={"name": "Standard"}, public_ip_allocation_method="Dynamic", **here)  # fmt: skip
    address = network.PublicIPAddress("address", sku={"name": "Standard"}, public_ip_allocation_method="Static", **here)  # fmt: skip
    network.VirtualNetwork("no-range", **here)
    net = network.VirtualNetwork("net", address_space={"address_prefixes": ["10.0.0.0/16"]}, **here)
    rule = {"access": "Allow", "protocol": "*", "source_port_range": "*", "destination_port_range": "*",
            "source_address_prefix": "*", "destination_address_prefix": "*", "direction": "Inbound"}  # fmt: skip
    network.NetworkSecurityGroup(
        "twin-rules", security_rules=[rule | {"name": n, "priority": 200} for n in "ab"], **here
    )
    network.NetworkSecurityGroup("low-priority", security_rules=[rule | {"name": "a", "priority": 9}], **here)  # fmt: skip
    inside = {"resource_group_name": group, "virtual_network_name": net.name}
    subnet = network.Subnet("sub", address_prefix="10.0.0.0/24", **inside)
    network.Subnet("no-subnet-range", **inside)
    network.Subnet("host-bits", address_prefix="10.0.2.1/24", **inside)
    network.Subnet("no-cidr", address_prefix="10.0.2.0", **inside)
    network.Subnet("outside", address_prefix="10.1.0.0/24", **inside)
    network.Subnet("overlap", address_prefix="10.0.0.128/25", opts=pulumi.ResourceOptions(depends_on=[subnet]), **inside)  # fmt: skip
    missing = pulumi.Output.concat(group_id, "/providers/Microsoft.Network/natGateways/missing")
    network.Subnet("no-nat", address_prefix="10.0.1.0/24", nat_gateway={"id": missing}, **inside)
    balancer = balancers(here, group_id, address.id)
    network.NatGateway(
        "taken-address", sku={"name": "Standard"}, public_ip_addresses=[{"id": address.id}], **here,
        opts=pulumi.ResourceOptions(depends_on=[balancer]),
    )  # fmt: skip
    return subnet.id, balancer.backend_address_pools.apply(lambda pools: pools and pools[0].id)


def balancers(here: dict[str, Any], group_id: Any, address: Any) -> network.LoadBalancer:
    basic = network.PublicIPAddress("basic", public_ip_allocation_method="Static", **here)

    def balancer(
        name: str, *, minutes: int = 30, backend: str = "main", ip: Any = address
    ) -> network.LoadBalancer:
        own = pulumi.Output.concat(group_id, "/providers/Microsoft.Network/loadBalancers/", name)
        rule = {
            "name": "main", "protocol": "Tcp", "frontend_port": 8000, "backend_port": 8000,
            "idle_timeout_in_minutes": minutes,
            "frontend_ip_configuration": {"id": pulumi.Output.concat(own, "/frontendIPConfigurations/main")},
            "backend_address_pool": {"id": pulumi.Output.concat(own, "/backendAddressPools/", backend)},
        }  # fmt: skip
        return network.LoadBalancer(
            name,
            load_balancer_name=name,
            sku={"name": "Standard"},
            frontend_ip_configurations=[{"name": "main", "public_ip_address": {"id": ip}}],
            backend_address_pools=[{"name": "main"}],
            load_balancing_rules=[rule],
            **here,
        )

    balancer("idle", minutes=200)
    balancer("no-backend", backend="other")
    balancer("basic-address", ip=basic.id)
    return balancer("balancer")


def scale_sets(group: Any, subnet: Any, pool: Any) -> None:
    def profile(**more: Any) -> dict[str, Any]:
        address = {
            "name": "main",
            "subnet": {"id": subnet},
            "loadBalancerBackendAddressPools": [{"id": pool}],
        }
        nic = {"name": "nic", "primary": True, "ipConfigurations": [address]}
        plain = {"networkApiVersion": "2020-11-01", "networkInterfaceConfigurations": [nic]}
        return machine(networkProfile=plain) | more

    def scale_set(name: str, size: str = T4, capacity: int = 0, **more: Any) -> None:
        fixed = {"orchestration_mode": "Flexible", "platform_fault_domain_count": 1,
                 "virtual_machine_profile": profile()}  # fmt: skip
        compute.VirtualMachineScaleSet(
            name, resource_group_name=group,
            sku={"name": size, "tier": "Standard", "capacity": capacity}, **(fixed | more),
        )  # fmt: skip

    regular = profile(priority="Regular")
    linux = {"disablePasswordAuthentication": True}
    system = {"computerNamePrefix": "n", "adminUsername": "ops"}
    scale_set("nodes", capacity=2)
    scale_set("fallback", virtual_machine_profile=profile(priority="Regular", evictionPolicy=None, billingProfile=None))  # fmt: skip
    scale_set("no-network-api", virtual_machine_profile=profile(
        networkProfile={"networkInterfaceConfigurations": [{"name": "nic", "ipConfigurations": [{"name": "a"}]}]}))  # fmt: skip
    scale_set("no-fault-domains", platform_fault_domain_count=None)
    scale_set("fault-domains", platform_fault_domain_count=3, zones=["1", "2"])
    scale_set("restore", spot_restore_policy={"enabled": True})
    scale_set("terminate", virtual_machine_profile=profile(
        scheduledEventsProfile={"terminateNotificationProfile": {"enable": True}}))  # fmt: skip
    scale_set("evict-regular", virtual_machine_profile=regular)
    scale_set("price-regular", virtual_machine_profile=regular | {"evictionPolicy": None})
    scale_set("price-zero", virtual_machine_profile=profile(billingProfile={"maxPrice": 0}))
    scale_set("no-keys", virtual_machine_profile=profile(osProfile=system | {"linuxConfiguration": linux}))  # fmt: skip
    scale_set("long-prefix", virtual_machine_profile=profile(osProfile={"computerNamePrefix": "n" * 59}))  # fmt: skip
    gone = {"name": "nic", "ipConfigurations": [{"name": "a", "subnet": {"id": subnet.apply(_missing)}}]}  # fmt: skip
    scale_set("no-subnet", virtual_machine_profile=profile(
        networkProfile={"networkApiVersion": "2020-11-01", "networkInterfaceConfigurations": [gone]}))  # fmt: skip
    scale_set("too-cheap", capacity=1, virtual_machine_profile=profile(billingProfile={"maxPrice": 0.01}))  # fmt: skip
    scale_set("uniform", orchestration_mode="Uniform")
    scale_set("far-subnet", location="westus")
    scale_set("no-stock", A100, 17)
    scale_set("not-sold", "Standard_ND96isr_H100_v5", 1)


def _missing(subnet: str) -> str:
    return subnet.split("/subnets/")[0] + "/subnets/missing"


def edge(group: Any) -> None:
    def profile(name: str, location: str = "global", seconds: int = 240) -> cdn.Profile:
        return cdn.Profile(
            name, resource_group_name=group, location=location,
            sku={"name": "Standard_AzureFrontDoor"}, origin_response_timeout_seconds=seconds,
        )  # fmt: skip

    profile("wrong-place", location="norwayeast")
    profile("silent", seconds=300)
    part = {"resource_group_name": group, "profile_name": profile("front").name}
    door = cdn.AFDEndpoint("door", location="global", **part)

    def origin_group(name: str, **balance: int) -> cdn.AFDOriginGroup:
        return cdn.AFDOriginGroup(
            name,
            load_balancing_settings={"sampleSize": 4, "successfulSamplesRequired": 2} | balance,
            **part,
        )

    origin_group("samples", successfulSamplesRequired=9)
    origin_group("latency", additionalLatencyInMilliseconds=5000)
    full, hollow = origin_group("full"), origin_group("hollow")

    def origin(name: str, host: str, **more: Any) -> cdn.AFDOrigin:
        return cdn.AFDOrigin(name, origin_group_name=full.name, host_name=host, **part, **more)

    first = origin("first", "a.example.com")
    origin("same-host", "a.example.com", opts=pulumi.ResourceOptions(depends_on=[first]))
    origin("heavy", "b.example.com", weight=2000)
    origin("sixth", "c.example.com", priority=6)

    def route(name: str, to: cdn.AFDOriginGroup, after: Any) -> cdn.Route:
        return cdn.Route(
            name, endpoint_name=door.name, origin_group={"id": to.id}, patterns_to_match=["/*"],
            **part, opts=pulumi.ResourceOptions(depends_on=[after]),
        )  # fmt: skip

    route("empty", hollow, first)
    route("second-route", full, route("all", full, first))
