"""Samples of networks, gateways, addresses and health checks."""

from __future__ import annotations

from tests.sandbox.gcp_sample import NETWORK, PLACE, PROJECT, REGIONAL, SUBNETWORK, Sample, token_of

_HTTP = {
    "host": "example.org",
    "port": 8000,
    "portSpecification": "USE_FIXED_PORT",
    "requestPath": "/health",
    "response": "ok",
    "proxyHeader": "NONE",
}
_INTERVALS = {
    "checkIntervalSec": 10,
    "timeoutSec": 5,
    "healthyThreshold": 2,
    "unhealthyThreshold": 3,
    "description": "ready",
}

NETWORKING = (
    Sample(
        "network",
        token_of("Network"),
        {
            "project": PROJECT,
            "name": "net",
            "description": "a network",
            "autoCreateSubnetworks": False,
            "mtu": 1460,
            "routingMode": "REGIONAL",
            "bgpBestPathSelectionMode": "STANDARD",
            "bgpInterRegionCost": "DEFAULT",
            "bgpAlwaysCompareMed": False,
            "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
            "params": {"resourceManagerTags": {"tagKeys/1": "tagValues/2"}},
        },
    ),
    Sample(
        "subnetwork",
        token_of("Subnetwork"),
        {
            **PLACE,
            "name": "sub",
            "description": "addresses",
            "network": NETWORK,
            "ipCidrRange": "10.1.0.0/20",
            "privateIpGoogleAccess": True,
            "purpose": "PRIVATE",
            "role": "ACTIVE",
            "stackType": "IPV4_ONLY",
            "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS",
            "secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.2.0.0/20"}],
            "logConfig": {
                "aggregationInterval": "INTERVAL_5_SEC",
                "flowSampling": 0.5,
                "metadata": "INCLUDE_ALL_METADATA",
                "filterExpr": "true",
            },
        },
    ),
    Sample(
        "firewall that lets in",
        token_of("Firewall"),
        {
            "project": PROJECT,
            "name": "allow",
            "description": "clients",
            "network": NETWORK,
            "direction": "INGRESS",
            "priority": 900,
            "disabled": False,
            "sourceRanges": ["10.0.0.0/8"],
            "targetTags": ["replica"],
            "allows": [{"protocol": "tcp", "ports": ["8000"]}, {"protocol": "icmp"}],
            "logConfig": {"metadata": "INCLUDE_ALL_METADATA"},
        },
    ),
    Sample(
        "firewall that keeps in",
        token_of("Firewall"),
        {
            "project": PROJECT,
            "name": "deny",
            "network": NETWORK,
            "direction": "EGRESS",
            "priority": 65535,
            "destinationRanges": ["0.0.0.0/0"],
            "targetServiceAccounts": ["a@example.iam.gserviceaccount.com"],
            "denies": [{"protocol": "all"}],
        },
    ),
    Sample(
        "router",
        token_of("Router"),
        {
            **PLACE,
            "name": "router",
            "description": "way out",
            "network": NETWORK,
            "bgp": {
                "asn": 64514,
                "advertiseMode": "CUSTOM",
                "advertisedGroups": ["ALL_SUBNETS"],
                "advertisedIpRanges": [{"range": "10.9.0.0/24", "description": "lab"}],
                "keepaliveInterval": 20,
            },
        },
    ),
    Sample(
        "address",
        token_of("Address"),
        {
            **PLACE,
            "name": "front",
            "description": "the address",
            "addressType": "EXTERNAL",
            "networkTier": "PREMIUM",
            "ipVersion": "IPV4",
            "labels": {"team": "serving"},
        },
    ),
    Sample(
        "nat gateway",
        token_of("RouterNat"),
        {
            **PLACE,
            "name": "nat",
            "router": "router",
            "type": "PUBLIC",
            "natIpAllocateOption": "MANUAL_ONLY",
            "natIps": [f"{REGIONAL}/addresses/front"],
            "sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS",
            "subnetworks": [
                {
                    "name": SUBNETWORK,
                    "sourceIpRangesToNats": ["PRIMARY_IP_RANGE", "LIST_OF_SECONDARY_IP_RANGES"],
                    "secondaryIpRangeNames": ["pods"],
                }
            ],
            "minPortsPerVm": 64,
            "maxPortsPerVm": 1024,
            "enableDynamicPortAllocation": True,
            "endpointTypes": ["ENDPOINT_TYPE_VM"],
            "autoNetworkTier": "PREMIUM",
            "udpIdleTimeoutSec": 30,
            "icmpIdleTimeoutSec": 30,
            "tcpEstablishedIdleTimeoutSec": 1200,
            "tcpTransitoryIdleTimeoutSec": 30,
            "tcpTimeWaitTimeoutSec": 120,
            "logConfig": {"enable": True, "filter": "ERRORS_ONLY"},
            "rules": [
                {
                    "ruleNumber": 100,
                    "match": "destination.ip == '192.0.2.1'",
                    "description": "a partner",
                    "action": {"sourceNatActiveIps": [f"{REGIONAL}/addresses/front"]},
                }
            ],
        },
    ),
)

HEALTH = (
    Sample(
        "health check over http",
        token_of("RegionHealthCheck"),
        {
            **PLACE,
            **_INTERVALS,
            "name": "check",
            "httpHealthCheck": _HTTP,
            "logConfig": {"enable": True},
        },
    ),
    *(
        Sample(
            f"health check with {protocol}",
            token_of("RegionHealthCheck"),
            {**PLACE, **_INTERVALS, "name": protocol.lower(), protocol: settings},
        )
        for protocol, settings in {
            "httpsHealthCheck": _HTTP,
            "http2HealthCheck": _HTTP,
            "tcpHealthCheck": {
                "port": 8000,
                "request": "a",
                "response": "b",
                "proxyHeader": "NONE",
            },
            "sslHealthCheck": {"port": 8443, "portSpecification": "USE_FIXED_PORT"},
            "grpcHealthCheck": {"port": 9000, "grpcServiceName": "engine"},
            "grpcTlsHealthCheck": {"port": 9001, "grpcServiceName": "engine"},
        }.items()
    ),
    Sample(
        "global health check",
        token_of("HealthCheck"),
        {
            **_INTERVALS,
            "project": PROJECT,
            "name": "everywhere",
            "tcpHealthCheck": {"portName": "serve", "portSpecification": "USE_NAMED_PORT"},
        },
    ),
)
