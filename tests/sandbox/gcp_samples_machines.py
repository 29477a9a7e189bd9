"""Samples of instance templates, managed instance groups and load balancing."""

from __future__ import annotations

from tests.sandbox.gcp_sample import (
    BACKEND,
    GROUP,
    HEALTH_CHECK,
    PLACE,
    REGION,
    REGIONAL,
    SUBNETWORK,
    TEMPLATE,
    Sample,
    token_of,
)

_DISK = {
    "boot": True,
    "autoDelete": True,
    "deviceName": "boot",
    "diskName": "boot",
    "diskSizeGb": 200,
    "diskType": "hyperdisk-balanced",
    "interface": "NVME",
    "mode": "READ_WRITE",
    "type": "PERSISTENT",
    "architecture": "X86_64",
    "provisionedIops": 3000,
    "provisionedThroughput": 200,
    "sourceImage": "projects/debian-cloud/global/images/family/debian-12",
    "guestOsFeatures": ["GVNIC", "UEFI_COMPATIBLE"],
    "resourcePolicies": "daily",
    "diskEncryptionKey": {"kmsKeySelfLink": "projects/p/locations/l/keyRings/r/cryptoKeys/k"},
}

TEMPLATE_INPUTS = {
    **PLACE,
    "name": "tpl",
    "description": "replicas",
    "instanceDescription": "a replica",
    "machineType": "g2-standard-4",
    "minCpuPlatform": "Intel Cascade Lake",
    "canIpForward": False,
    "keyRevocationActionType": "STOP",
    "labels": {"team": "serving"},
    "tags": ["replica"],
    "metadata": {"user-data": "#cloud-config\n", "enable-oslogin": "TRUE"},
    "resourcePolicies": "compact",
    "serviceAccount": {"email": "a@example.iam.gserviceaccount.com", "scopes": ["cloud-platform"]},
    "disks": [{**_DISK, "labels": {"team": "serving"}}],
    "networkInterfaces": [
        {
            "subnetwork": SUBNETWORK,
            "nicType": "GVNIC",
            "stackType": "IPV4_ONLY",
            "queueCount": 2,
            "networkIp": "10.1.0.9",
            "accessConfigs": [{"networkTier": "PREMIUM"}],
            "aliasIpRanges": [{"ipCidrRange": "/24", "subnetworkRangeName": "pods"}],
        }
    ],
    "scheduling": {
        "provisioningModel": "SPOT",
        "preemptible": True,
        "automaticRestart": False,
        "onHostMaintenance": "TERMINATE",
        "instanceTerminationAction": "DELETE",
        "preemptionNoticeDuration": {"seconds": 120, "nanos": 0},
        "maxRunDuration": {"seconds": 86400},
        "localSsdRecoveryTimeouts": [{"seconds": 3600}],
        "onInstanceStopAction": {"discardLocalSsd": True},
        "gracefulShutdown": {"enabled": True, "maxDuration": {"seconds": 30}},
        "nodeAffinities": [{"key": "team", "operator": "IN", "values": ["serving"]}],
    },
    "guestAccelerators": [{"type": "nvidia-l4", "count": 1}],
    "advancedMachineFeatures": {
        "threadsPerCore": 1,
        "enableNestedVirtualization": False,
        "performanceMonitoringUnit": "STANDARD",
    },
    "confidentialInstanceConfig": {"confidentialInstanceType": "SEV"},
    "networkPerformanceConfig": {"totalEgressBandwidthTier": "DEFAULT"},
    "reservationAffinity": {
        "type": "SPECIFIC_RESERVATION",
        "specificReservation": {"key": "compute.googleapis.com/reservation-name", "values": ["r"]},
    },
    "shieldedInstanceConfig": {"enableSecureBoot": True, "enableVtpm": True},
    "workloadIdentityConfig": {"identity": "//a.global/b", "identityCertificateEnabled": True},
}

MACHINES = (
    Sample("regional template", token_of("RegionInstanceTemplate"), TEMPLATE_INPUTS),
    Sample(
        "regional template with a name prefix",
        token_of("RegionInstanceTemplate"),
        {
            **PLACE,
            "namePrefix": "pool-",
            "machineType": "e2-standard-4",
            "disks": [{"sourceImage": "debian-cloud/debian-12"}],
            "metadataStartupScript": "echo hello",
        },
    ),
    Sample(
        "global template",
        token_of("InstanceTemplate"),
        {**{k: v for k, v in TEMPLATE_INPUTS.items() if k not in ("region", "resourcePolicies")}},
    ),
    Sample(
        "group",
        token_of("RegionInstanceGroupManager"),
        {
            **PLACE,
            "name": "group",
            "description": "replicas",
            "baseInstanceName": "replica",
            "targetSize": 2,
            "listManagedInstancesResults": "PAGINATED",
            "versions": [
                {"name": "stable", "instanceTemplate": TEMPLATE},
                {"name": "canary", "instanceTemplate": TEMPLATE, "targetSize": {"fixed": 1}},
            ],
            "distributionPolicyZones": [f"{REGION}-a", f"{REGION}-b"],
            "distributionPolicyTargetShape": "BALANCED",
            "updatePolicy": {
                "type": "PROACTIVE",
                "minimalAction": "REPLACE",
                "mostDisruptiveAllowedAction": "REPLACE",
                "replacementMethod": "SUBSTITUTE",
                "instanceRedistributionType": "NONE",
                "maxSurgeFixed": 2,
                "maxUnavailablePercent": 20,
            },
            "autoHealingPolicies": {"healthCheck": HEALTH_CHECK, "initialDelaySec": 600},
            "namedPorts": [{"name": "serve", "port": 8000}],
            "instanceFlexibilityPolicy": {
                "instanceSelections": [
                    {
                        "name": "first",
                        "machineTypes": ["g2-standard-4"],
                        "rank": 1,
                        "minCpuPlatform": "Intel Cascade Lake",
                        "disks": [{**_DISK, "labels": [{"key": "team", "value": "serving"}]}],
                    },
                    {"name": "then", "machineTypes": ["g2-standard-8"], "rank": 2},
                ]
            },
            "instanceLifecyclePolicy": {
                "defaultActionOnFailure": "REPAIR",
                "forceUpdateOnRepair": "YES",
                "onFailedHealthCheck": "DEFAULT_ACTION",
                "onRepair": {"allowChangingZone": "YES"},
            },
            "allInstancesConfig": {"labels": {"team": "serving"}, "metadata": {"a": "b"}},
            "standbyPolicy": {"mode": "MANUAL", "initialDelaySec": 60},
            "targetSizePolicies": [{"mode": "INDIVIDUAL"}],
            "statefulDisks": [{"deviceName": "data", "deleteRule": "NEVER"}],
            "statefulInternalIps": [
                {"interfaceName": "nic0", "deleteRule": "ON_PERMANENT_INSTANCE_DELETION"}
            ],
        },
    ),
)

BALANCING = (
    Sample(
        "passthrough backend service",
        token_of("RegionBackendService"),
        {
            **PLACE,
            "name": "passthrough",
            "description": "replicas",
            "loadBalancingScheme": "EXTERNAL",
            "protocol": "TCP",
            "healthChecks": HEALTH_CHECK,
            "sessionAffinity": "CLIENT_IP",
            "connectionDrainingTimeoutSec": 300,
            "timeoutSec": 30,
            "backends": [{"group": GROUP, "balancingMode": "CONNECTION", "failover": False}],
            "connectionTrackingPolicy": {
                "trackingMode": "PER_SESSION",
                "connectionPersistenceOnUnhealthyBackends": "NEVER_PERSIST",
            },
            "failoverPolicy": {"failoverRatio": 0.5, "dropTrafficIfUnhealthy": True},
            "logConfig": {"enable": True, "sampleRate": 0.5, "optionalMode": "CUSTOM"},
        },
    ),
    Sample(
        "managed backend service",
        token_of("RegionBackendService"),
        {
            **PLACE,
            "name": "managed",
            "loadBalancingScheme": "EXTERNAL_MANAGED",
            "protocol": "HTTP",
            "portName": "serve",
            "localityLbPolicy": "RING_HASH",
            "sessionAffinity": "STRONG_COOKIE_AFFINITY",
            "affinityCookieTtlSec": 60,
            "ipAddressSelectionPolicy": "IPV4_ONLY",
            "enableCdn": False,
            "backends": [
                {
                    "group": GROUP,
                    "balancingMode": "UTILIZATION",
                    "capacityScaler": 1.0,
                    "maxUtilization": 0.8,
                    "trafficDuration": "LONG",
                    "customMetrics": [{"name": "queue", "dryRun": False, "maxUtilization": 0.9}],
                }
            ],
            "circuitBreakers": {"maxConnections": 100, "maxRetries": 3},
            "consistentHash": {
                "minimumRingSize": 1024,
                "httpCookie": {"name": "c", "path": "/", "ttl": {"seconds": 60, "nanos": 1}},
            },
            "outlierDetection": {"consecutiveErrors": 5, "interval": {"seconds": 10}},
            "strongSessionAffinityCookie": {"name": "s", "ttl": {"seconds": 5}},
            "cdnPolicy": {
                "cacheMode": "USE_ORIGIN_HEADERS",
                "negativeCachingPolicies": [{"code": 404, "ttl": 30}],
                "cacheKeyPolicy": {"includeHost": True, "queryStringWhitelists": ["q"]},
                "signedUrlCacheMaxAgeSec": 3600,
            },
            "customMetrics": [{"name": "queue", "dryRun": True}],
            "iap": {"enabled": False},
            "subsetting": {"policy": "CONSISTENT_HASH_SUBSETTING"},
            "tlsSettings": {
                "sni": "a.example.org",
                "subjectAltNames": [{"dnsName": "b.example.org"}],
            },
        },
    ),
    Sample(
        "forwarding rule",
        token_of("ForwardingRule"),
        {
            **PLACE,
            "name": "front",
            "description": "where clients call",
            "loadBalancingScheme": "EXTERNAL",
            "ipAddress": f"{REGIONAL}/addresses/front",
            "ipProtocol": "TCP",
            "ports": ["8000"],
            "backendService": BACKEND,
            "networkTier": "PREMIUM",
            "ipVersion": "IPV4",
            "sourceIpRanges": ["192.0.2.0/24"],
            "labels": {"team": "serving"},
        },
    ),
)
