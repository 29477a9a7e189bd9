"""The longer samples: a load balancer with everything, a template with everything, a group with everything."""

from __future__ import annotations

from sandbox.fields import Json

_TAGS = {"team": "search"}
_RANGE = {"min": 1, "max": 8}
_LOGS = {"bucket": "logs", "enabled": True, "prefix": "edge"}
_REQUIREMENTS: Json = {
    "vcpuCount": {"min": 4, "max": 64},
    "memoryMib": {"min": 16384},
    "acceleratorCount": _RANGE,
    "acceleratorManufacturers": ["nvidia"],
    "acceleratorNames": ["t4", "a100"],
    "acceleratorTotalMemoryMib": _RANGE,
    "acceleratorTypes": ["gpu"],
    "bareMetal": "excluded",
    "baselineEbsBandwidthMbps": _RANGE,
    "burstablePerformance": "excluded",
    "cpuManufacturers": ["intel", "amd"],
    "excludedInstanceTypes": ["p3*"],
    "instanceGenerations": ["current"],
    "localStorage": "included",
    "localStorageTypes": ["ssd"],
    "memoryGibPerVcpu": {"min": 2.5, "max": 16},
    "networkBandwidthGbps": {"min": 0.5},
    "networkInterfaceCount": _RANGE,
    "onDemandMaxPricePercentageOverLowestPrice": 20,
    "requireHibernateSupport": False,
    "spotMaxPricePercentageOverLowestPrice": 100,
    "totalLocalStorageGb": {"min": 100},
}

LOAD_BALANCER: Json = {
    "name": "edge",
    "loadBalancerType": "network",
    "internal": False,
    "ipAddressType": "ipv4",
    "subnets": ["=a", "=b"],
    "securityGroups": ["=clients"],
    "accessLogs": _LOGS,
    "connectionLogs": _LOGS,
    "clientKeepAlive": 3600,
    "dnsRecordClientRoutingPolicy": "any_availability_zone",
    "enableCrossZoneLoadBalancing": True,
    "enableDeletionProtection": False,
    "enableZonalShift": False,
    "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic": "on",
    "idleTimeout": 60,
    "minimumLoadBalancerCapacity": {"capacityUnits": 2},
    "tags": _TAGS,
}
TARGET_GROUP: Json = {
    "name": "replicas",
    "port": 8000,
    "protocol": "TCP",
    "vpcId": "=vpc",
    "ipAddressType": "ipv4",
    "targetType": "instance",
    "connectionTermination": True,
    "deregistrationDelay": 120,
    "loadBalancingCrossZoneEnabled": "use_load_balancer_configuration",
    "preserveClientIp": "true",
    "proxyProtocolV2": False,
    "healthCheck": {
        "enabled": True,
        "healthyThreshold": 2,
        "interval": 10,
        "matcher": "200-299",
        "path": "/health",
        "port": "traffic-port",
        "protocol": "HTTP",
        "timeout": 5,
        "unhealthyThreshold": 3,
    },
    "stickiness": {"enabled": True, "type": "source_ip"},
    "targetFailovers": [{"onDeregistration": "rebalance", "onUnhealthy": "rebalance"}],
    "targetHealthStates": [
        {"enableUnhealthyConnectionTermination": False, "unhealthyDrainingInterval": 30}
    ],
    "targetGroupHealth": {
        "dnsFailover": {
            "minimumHealthyTargetsCount": "1",
            "minimumHealthyTargetsPercentage": "off",
        },
        "unhealthyStateRouting": {
            "minimumHealthyTargetsCount": 1,
            "minimumHealthyTargetsPercentage": "50",
        },
    },
    "tags": _TAGS,
}
LISTENER: Json = {
    "loadBalancerArn": "=balancer.arn",
    "port": 8000,
    "protocol": "TLS",
    "certificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/abc",
    "alpnPolicy": "HTTP2Preferred",
    "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "tcpIdleTimeoutSeconds": 600,
    "defaultActions": [
        {
            "type": "forward",
            "order": 1,
            "forward": {
                "targetGroups": [{"arn": "=targets.arn", "weight": 1}],
                "stickiness": {"enabled": True, "duration": 60},
            },
        }
    ],
    "mutualAuthentication": {"mode": "verify", "advertiseTrustStoreCaNames": "off"},
    "routingHttpResponseServerEnabled": True,
    "routingHttpRequestXAmznTlsVersionHeaderName": "X-Tls",
    "tags": _TAGS,
}
TEMPLATE: Json = {
    "name": "replica",
    "description": "one engine",
    "imageId": "ami-0123456789abcdef0",
    "instanceType": "g6.xlarge",
    "userData": "I2Nsb3VkLWNvbmZpZwo=",
    "keyName": "operators",
    "updateDefaultVersion": True,
    "blockDeviceMappings": [
        {
            "deviceName": "/dev/sda1",
            "ebs": {
                "volumeSize": 200,
                "volumeType": "gp3",
                "iops": 3000,
                "throughput": 250,
                "encrypted": "true",
                "deleteOnTermination": "true",
            },
        }
    ],
    "capacityReservationSpecification": {
        "capacityReservationPreference": "open",
    },
    "cpuOptions": {"coreCount": 2, "threadsPerCore": 2, "amdSevSnp": "disabled"},
    "creditSpecification": {"cpuCredits": "standard"},
    "disableApiStop": False,
    "disableApiTermination": False,
    "ebsOptimized": "true",
    "enclaveOptions": {"enabled": False},
    "hibernationOptions": {"configured": False},
    "iamInstanceProfile": {"name": "replica"},
    "instanceInitiatedShutdownBehavior": "terminate",
    "licenseSpecifications": [{"licenseConfigurationArn": "arn:aws:license-manager:x"}],
    "maintenanceOptions": {"autoRecovery": "disabled"},
    "metadataOptions": {
        "httpEndpoint": "enabled",
        "httpProtocolIpv6": "disabled",
        "httpPutResponseHopLimit": 2,
        "httpTokens": "required",
        "instanceMetadataTags": "enabled",
    },
    "monitoring": {"enabled": True},
    "networkInterfaces": [
        {
            "associatePublicIpAddress": "false",
            "deleteOnTermination": "true",
            "deviceIndex": 0,
            "interfaceType": "efa",
            "ipv4Addresses": ["10.0.0.20", "10.0.0.21"],
            "ipv6Prefixes": ["2001:db8::/80"],
            "securityGroups": ["=replicas"],
            "connectionTrackingSpecification": {"tcpEstablishedTimeout": 350},
            "enaSrdSpecification": {
                "enaSrdEnabled": True,
                "enaSrdUdpSpecification": {"enaSrdUdpEnabled": False},
            },
        }
    ],
    "networkPerformanceOptions": {"bandwidthWeighting": "default"},
    "placement": {"tenancy": "default", "groupName": "near"},
    "privateDnsNameOptions": {
        "hostnameType": "resource-name",
        "enableResourceNameDnsARecord": True,
        "enableResourceNameDnsAaaaRecord": False,
    },
    "secondaryInterfaces": [
        {"interfaceType": "secondary", "deviceIndex": 1, "privateIpAddresses": ["10.0.1.20"]}
    ],
    "tagSpecifications": [{"resourceType": "instance", "tags": _TAGS}],
    "tags": _TAGS,
}
MARKET: Json = {
    "instanceMarketOptions": {
        "marketType": "spot",
        "spotOptions": {
            "instanceInterruptionBehavior": "terminate",
            "maxPrice": "0.5",
            "spotInstanceType": "one-time",
        },
    },
    "instanceRequirements": _REQUIREMENTS,
}
GROUP: Json = {
    "name": "spot",
    "minSize": 0,
    "maxSize": 8,
    "desiredCapacity": 3,
    "desiredCapacityType": "units",
    "vpcZoneIdentifiers": ["=a", "=b"],
    "targetGroupArns": ["=targets.arn"],
    "capacityRebalance": True,
    "context": "none",
    "defaultCooldown": 60,
    "defaultInstanceWarmup": 300,
    "healthCheckType": "ELB",
    "healthCheckGracePeriod": 900,
    "maxInstanceLifetime": 604800,
    "protectFromScaleIn": False,
    "terminationPolicies": ["OldestInstance", "Default"],
    "suspendedProcesses": ["AZRebalance"],
    "enabledMetrics": ["GroupInServiceInstances"],
    "metricsGranularity": "1Minute",
    "availabilityZoneDistribution": {"capacityDistributionStrategy": "balanced-best-effort"},
    "capacityReservationSpecification": {"capacityReservationPreference": "default"},
    "initialLifecycleHooks": [
        {
            "name": "drain",
            "lifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
            "defaultResult": "CONTINUE",
            "heartbeatTimeout": 60,
        }
    ],
    "instanceLifecyclePolicy": {"retentionTriggers": {"terminateHookAbandon": "terminate"}},
    "instanceMaintenancePolicy": {"minHealthyPercentage": 90, "maxHealthyPercentage": 120},
    "instanceRefresh": {
        "strategy": "Rolling",
        "triggers": ["tag"],
        "preferences": {
            "minHealthyPercentage": 50,
            "checkpointDelay": "60",
            "scaleInProtectedInstances": "Ignore",
            "skipMatching": True,
            "alarmSpecification": {"alarms": ["errors"]},
        },
    },
    "mixedInstancesPolicy": {
        "instancesDistribution": {
            "onDemandAllocationStrategy": "prioritized",
            "onDemandBaseCapacity": 1,
            "onDemandPercentageAboveBaseCapacity": 0,
            "spotAllocationStrategy": "price-capacity-optimized",
            "spotMaxPrice": "2.5",
        },
        "launchTemplate": {
            "launchTemplateSpecification": {"launchTemplateId": "=template", "version": "1"},
            "overrides": [
                {"instanceType": "g6.xlarge", "weightedCapacity": "1"},
                {
                    "instanceType": "g6.2xlarge",
                    "weightedCapacity": "1",
                    "launchTemplateSpecification": {
                        "launchTemplateName": "replica",
                        "version": "$Latest",
                    },
                },
            ],
        },
    },
    "tags": [{"key": "team", "value": "search", "propagateAtLaunch": True}],
    "trafficSources": [{"identifier": "arn:aws:vpc-lattice:x", "type": "vpc-lattice"}],
    "warmPool": {
        "poolState": "Stopped",
        "minSize": 0,
        "maxGroupPreparedCapacity": 2,
        "instanceReusePolicy": {"reuseOnScaleIn": True},
    },
}
