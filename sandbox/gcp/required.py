"""Members that the Compute API demands although its discovery document does not mark them.

Sources: "Required" and "must" in the descriptions of the API reference, and the provider's required arguments. The
form is that of `vendor`: dotted, `[]` for every item of a list, map keys as they are.
"""

from __future__ import annotations

_RULES = {
    "compute.subnetworks.insert": "name network secondaryIpRanges[].rangeName",
    "compute.subnetworks.patch": "secondaryIpRanges[].rangeName",
    "compute.routers.insert": "bgp.asn bgp.advertisedIpRanges[].range",
    "compute.routers.patch": (
        "nats[].name nats[].sourceSubnetworkIpRangesToNat nats[].logConfig.enable nats[].logConfig.filter "
        "nats[].subnetworks[].name nats[].subnetworks[].sourceIpRangesToNat nats[].rules[].ruleNumber "
        "nats[].rules[].match bgp.asn"
    ),
    "compute.firewalls.insert": "network allowed[].IPProtocol denied[].IPProtocol",
    "compute.firewalls.patch": "allowed[].IPProtocol denied[].IPProtocol",
    "compute.healthChecks.insert": "name",
    "compute.healthChecks.update": "name",
    "compute.regionHealthChecks.insert": "name",
    "compute.regionHealthChecks.update": "name",
    "compute.regionBackendServices.insert": "name backends[].group",
    "compute.regionBackendServices.update": "name backends[].group",
    "compute.forwardingRules.insert": "name",
    "compute.regionInstanceTemplates.insert": (
        "name properties.machineType properties.disks properties.guestAccelerators[].acceleratorCount "
        "properties.guestAccelerators[].acceleratorType properties.serviceAccounts[].scopes"
    ),
    "compute.instanceTemplates.insert": (
        "properties.disks properties.guestAccelerators[].acceleratorCount "
        "properties.guestAccelerators[].acceleratorType properties.serviceAccounts[].scopes"
    ),
    "compute.regionInstanceGroupManagers.insert": (
        "baseInstanceName versions versions[].instanceTemplate autoHealingPolicies[].healthCheck "
        "updatePolicy.type updatePolicy.minimalAction"
    ),
    "compute.regionInstanceGroupManagers.patch": (
        "versions[].instanceTemplate autoHealingPolicies[].healthCheck "
        "updatePolicy.type updatePolicy.minimalAction"
    ),
    "compute.regionInstanceGroups.setNamedPorts": "namedPorts[].name namedPorts[].port",
}

REQUIRED = {operation: frozenset(rules.split()) for operation, rules in _RULES.items()}
