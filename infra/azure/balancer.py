"""The address of an Azure cell: a Standard load balancer over the replicas' service port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pulumi
from pulumi_azure_native import network as azure
from pulumi_azure_native import resources

from infra.azure.network import public_address
from infra.naming import Owner
from infra.replica import HEALTH_PATH, PORT

_IDLE_MINUTES = 30
_PART = "replicas"
"""Name of the balancer's only front end, backend pool, probe and rule."""


@dataclass(frozen=True, slots=True)
class BalancerArgs:
    """Where it stands."""

    resource_group: resources.ResourceGroup
    location: str
    owner: Owner


class Balancer(pulumi.ComponentResource):
    """Public address and load balancer. Machines register with `backend_pool_id`."""

    ip_address: pulumi.Output[str]
    backend_pool_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: BalancerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:azure:Balancer", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        group, tags = args.resource_group, args.owner.tags()
        address = public_address(name, group.name, location=args.location, tags=tags, opts=child)
        # a balancer's rule points at parts of the same balancer by id, so its name has to be known before it is
        # made; the resource group's own random name keeps it unique
        own_id = pulumi.Output.concat(group.id, "/providers/Microsoft.Network/loadBalancers/", name)
        balancer = azure.LoadBalancer(
            name,
            load_balancer_name=name,
            resource_group_name=group.name,
            location=args.location,
            sku=azure.LoadBalancerSkuArgs(name="Standard"),
            frontend_ip_configurations=[
                azure.FrontendIPConfigurationArgs(
                    name=_PART, public_ip_address=azure.PublicIPAddressArgs(id=address.id)
                )
            ],
            backend_address_pools=[azure.BackendAddressPoolArgs(name=_PART)],
            probes=[_probe()],
            load_balancing_rules=[_rule(own_id)],
            tags=tags,
            opts=child,
        )
        self.ip_address = cast(pulumi.Output[str], address.ip_address)  # static: known once made
        self.backend_pool_id = pulumi.Output.concat(balancer.id, "/backendAddressPools/", _PART)
        self.register_outputs({"ip_address": self.ip_address})


def _probe() -> azure.ProbeArgs:
    return azure.ProbeArgs(
        name=_PART,
        protocol="Http",
        port=PORT,
        request_path=HEALTH_PATH,
        interval_in_seconds=5,
        probe_threshold=2,
    )


def _rule(own_id: pulumi.Output[str]) -> azure.LoadBalancingRuleArgs:
    """The service port, unchanged. Egress is the NAT gateway's business, hence no outbound translation here."""

    def part(kind: str) -> azure.SubResourceArgs:
        return azure.SubResourceArgs(id=pulumi.Output.concat(own_id, f"/{kind}/{_PART}"))

    return azure.LoadBalancingRuleArgs(
        name=_PART,
        protocol="Tcp",
        frontend_port=PORT,
        backend_port=PORT,
        frontend_ip_configuration=part("frontendIPConfigurations"),
        backend_address_pool=part("backendAddressPools"),
        probe=part("probes"),
        idle_timeout_in_minutes=_IDLE_MINUTES,
        enable_tcp_reset=True,
        disable_outbound_snat=True,
    )
