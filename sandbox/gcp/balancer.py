"""Regional load balancing: backend services and the forwarding rules in front of them."""

from __future__ import annotations

from sandbox.fields import Json, get, member
from sandbox.gcp import refusals
from sandbox.gcp.addresses import next_address
from sandbox.gcp.backend_fields import BACKEND_SERVICE
from sandbox.gcp.labels import label_outputs
from sandbox.gcp.links import Link, kind_name, locate
from sandbox.gcp.nat import SUBNETWORK
from sandbox.gcp.network import NETWORK
from sandbox.gcp.places import given
from sandbox.gcp.resource import ComputeResource
from sandbox.gcp.shapes import fixed, is_set, known, only_one, same
from sandbox.kind import Context
from sandbox.world import Record

_PASSTHROUGH = ("INTERNAL", "EXTERNAL")
_PASSTHROUGH_PROTOCOLS = ("TCP", "UDP", "UNSPECIFIED")
_ONLY_MANAGED = {
    "capacityScaler": "capacity_scaler",
    "maxConnections": "max_connections",
    "maxConnectionsPerInstance": "max_connections_per_instance",
    "maxConnectionsPerEndpoint": "max_connections_per_endpoint",
    "maxRate": "max_rate",
    "maxRatePerInstance": "max_rate_per_instance",
    "maxRatePerEndpoint": "max_rate_per_endpoint",
    "maxUtilization": "max_utilization",
}
_MOST_PORTS = 5
_BACKEND = Link("backendService", "backendServices", "backendService")
_ADDRESS = Link("IPAddress", "addresses", "address")


class RegionBackendService(ComputeResource):
    """What a regional load balancer sends traffic to."""

    token = "gcp:compute/regionBackendService:RegionBackendService"
    collection, word = "backendServices", "backend_service"
    api = "compute.regionBackendServices.insert"
    update_api = "compute.regionBackendServices.update"
    links = (
        NETWORK,
        Link("healthChecks[]", "healthChecks", "health_check"),
        Link("backends[].group", "instanceGroupManagers", "instance_group"),
    )
    keeps = ("protocol", "sessionAffinity", "timeoutSec", "portName")
    fields = BACKEND_SERVICE
    replace_on = frozenset({"network", "loadBalancingScheme", "params"})
    defaults = {"loadBalancingScheme": "INTERNAL"}
    computed = (
        *("fingerprint", "generatedId", "protocol", "sessionAffinity"),
        *("timeoutSec", "portName"),
    )

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        super().rules(ctx, body, verb)
        if body.get("loadBalancingScheme") in _PASSTHROUGH:
            _check_passthrough(body)
        elif body.get("loadBalancingScheme") == "EXTERNAL_MANAGED":
            _check_managed(body)

    def extra(self, record: Record) -> Json:
        body = record.body
        return {
            "fingerprint": record.live["number"],
            "generatedId": int(record.live["number"][:15]),
            "protocol": body.get("protocol", "TCP"),
            "sessionAffinity": body.get("sessionAffinity", "NONE"),
            "timeoutSec": body.get("timeoutSec", 30),
            "portName": body.get("portName", ""),
        }


def _check_passthrough(body: Json) -> None:
    """A passthrough balancer forwards packets: connections only, no rates, no scaling of capacity."""
    protocol = body.get("protocol")
    if known(protocol) and protocol not in _PASSTHROUGH_PROTOCOLS:
        raise refusals.invalid(
            "resource.protocol",
            protocol,
            f"Protocol must be one of {', '.join(_PASSTHROUGH_PROTOCOLS)} for the load balancing scheme "
            f"{body['loadBalancingScheme']}.",
        )
    for where, backend in given(body, "backends[]"):
        for name in _ONLY_MANAGED:
            if known(value := backend.get(name)) and value:
                raise refusals.by_provider(
                    f'"{_ONLY_MANAGED[name]}" cannot be set for non-managed backend service, found value {value}'
                )
        mode = backend.get("balancingMode", "UTILIZATION")
        if known(mode) and mode != "CONNECTION":
            raise refusals.invalid(
                f"{where}.balancingMode",
                mode,
                f"Balancing mode must be CONNECTION for an {body['loadBalancingScheme']} backend service.",
            )


def _check_managed(body: Json) -> None:
    scalers = [backend.get("capacityScaler") for _, backend in given(body, "backends[]")]
    if None in scalers:
        raise refusals.by_provider(
            "capacity_scaler is required for each backend in managed backend service"
        )
    if scalers and not any(scalers):
        raise refusals.by_provider(
            "managed backend service must have at least one non-zero capacity_scaler for backends"
        )


class ForwardingRule(ComputeResource):
    """An address and ports, and the backend service or target behind them."""

    token = "gcp:compute/forwardingRule:ForwardingRule"
    collection, word = "forwardingRules", "forwarding_rule"
    api, update_api = "compute.forwardingRules.insert", "compute.forwardingRules.patch"
    links = (_BACKEND, _ADDRESS, NETWORK, SUBNETWORK)
    keeps = ("IPAddress", "IPProtocol", "portRange", "networkTier", "network", "subnetwork")
    fields = {
        **same("name", "description", "backendService", "target", "loadBalancingScheme", "labels"),
        **same("ports", "portRange", "allPorts", "allowGlobalAccess", "allowPscGlobalAccess"),
        **same("network", "subnetwork", "networkTier", "serviceLabel", "sourceIpRanges"),
        **same("isMirroringCollector", "noAutomateDnsZone", "ipVersion", "ipCollection"),
        "ipAddress": member("IPAddress"),
        "ipProtocol": member("IPProtocol"),
        "serviceDirectoryRegistrations": only_one("serviceDirectoryRegistrations"),
    }
    provider_only = frozenset({"recreateClosedPsc"})
    replace_on = fixed(fields, "allowGlobalAccess", "allowPscGlobalAccess", "labels", "target")
    defaults = {"loadBalancingScheme": "EXTERNAL"}
    computed = (
        *("ipAddress", "ipProtocol", "networkTier", "baseForwardingRule"),
        *("forwardingRuleId", "labelFingerprint", "pscConnectionId", "pscConnectionStatus"),
        *("serviceName", "effectiveLabels", "pulumiLabels"),
    )

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        super().rules(ctx, body, verb)
        if len(is_set(body, "backendService", "target")) != 1:
            raise refusals.invalid(
                "resource.target",
                body.get("target", ""),
                "Exactly one of target and backendService must be specified.",
            )
        ports = is_set(body, "ports", "portRange", "allPorts")
        if len(ports) > 1:
            raise refusals.invalid(
                f"resource.{ports[1]}",
                body[ports[1]],
                "Only one of ports, portRange and allPorts may be specified.",
            )
        if known(listed := body.get("ports")) and len(listed) > _MOST_PORTS:
            raise refusals.invalid(
                "resource.ports", listed, f"At most {_MOST_PORTS} ports may be specified."
            )

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        self._check_scheme(ctx, body)
        record = super().create(ctx, body, inputs)
        record.live["address"] = self._address(ctx, record)
        return ctx.world.put(record)

    def _check_scheme(self, ctx: Context, body: Json) -> None:
        if body.get("backendService") is None:
            return
        backend_id = locate(ctx, _BACKEND, body["backendService"])
        backend = ctx.world.get(ctx.cloud, kind_name("backendServices"), backend_id)
        scheme = body.get("loadBalancingScheme", "EXTERNAL")
        if backend and get(backend.body, "loadBalancingScheme") != scheme:
            raise refusals.invalid(
                "resource.loadBalancingScheme",
                scheme,
                "Load balancing scheme must match that of the backend service "
                f"({backend.body['loadBalancingScheme']}).",
            )

    def _address(self, ctx: Context, record: Record) -> str:
        """The number: as given, of the reserved address that is named, or a new one."""
        wanted = record.body.get("IPAddress")
        if wanted is None:
            return next_address(ctx, record.serial)
        reserved = ctx.world.get(ctx.cloud, kind_name("addresses"), locate(ctx, _ADDRESS, wanted))
        return str(reserved.live["address"] if reserved else wanted)

    def extra(self, record: Record) -> Json:
        body = record.body
        return {
            "ipAddress": record.live["address"],
            "ipProtocol": body.get("IPProtocol", "TCP"),
            "networkTier": body.get("networkTier", "PREMIUM"),
            "baseForwardingRule": "",
            "forwardingRuleId": int(record.live["number"][:15]),
            "labelFingerprint": record.live["number"],
            "pscConnectionId": "",
            "pscConnectionStatus": "",
            "serviceName": "",
            **label_outputs(record.tags),
        }
