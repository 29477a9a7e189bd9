"""The inputs of an Auto Scaling group."""

from __future__ import annotations

from sandbox.aws.members import same
from sandbox.aws.requirements import GROUP_TEMPLATE, REQUIREMENTS, SPECIFICATION
from sandbox.aws.row import PROVIDER
from sandbox.fields import Field, Fields, many, member, nested

_REFRESH_PREFERENCES: Fields = {
    **same("autoRollback", "checkpointPercentages", "maxHealthyPercentage"),
    **same("minHealthyPercentage", "scaleInProtectedInstances", "skipMatching", "standbyInstances"),
    "alarmSpecification": nested("AlarmSpecification", same("alarms")),
    "checkpointDelay": member("CheckpointDelay", int, str),
    "instanceWarmup": member("InstanceWarmup", int, str),
}
_OVERRIDE: Fields = {
    **same("instanceType", "weightedCapacity"),
    "instanceRequirements": nested("InstanceRequirements", REQUIREMENTS),
    "launchTemplateSpecification": nested("LaunchTemplateSpecification", SPECIFICATION),
}
_POLICY: Fields = {
    "instancesDistribution": nested(
        "InstancesDistribution",
        same(
            "onDemandAllocationStrategy",
            "onDemandBaseCapacity",
            "onDemandPercentageAboveBaseCapacity",
            "spotAllocationStrategy",
            "spotInstancePools",
            "spotMaxPrice",
        ),
    ),
    "launchTemplate": nested(
        "LaunchTemplate",
        {
            "launchTemplateSpecification": nested("LaunchTemplateSpecification", SPECIFICATION),
            "overrides": many("Overrides", _OVERRIDE),
        },
    ),
}
_HOOK: Fields = {
    **same("defaultResult", "heartbeatTimeout", "lifecycleTransition", "notificationMetadata"),
    "name": member("LifecycleHookName"),
    "notificationTargetArn": member("NotificationTargetARN"),
    "roleArn": member("RoleARN"),
}

FIELDS: dict[str, Field] = {
    **same(
        "availabilityZones",
        "capacityRebalance",
        "context",
        "defaultCooldown",
        "defaultInstanceWarmup",
        "desiredCapacity",
        "desiredCapacityType",
        "healthCheckGracePeriod",
        "healthCheckType",
        "maxInstanceLifetime",
        "maxSize",
        "minSize",
        "placementGroup",
        "terminationPolicies",
    ),
    "availabilityZoneDistribution": nested(
        "AvailabilityZoneDistribution", same("capacityDistributionStrategy")
    ),
    "capacityReservationSpecification": nested(
        "CapacityReservationSpecification",
        {
            "capacityReservationPreference": member("CapacityReservationPreference"),
            "capacityReservationTarget": nested(
                "CapacityReservationTarget",
                same("capacityReservationIds", "capacityReservationResourceGroupArns"),
            ),
        },
    ),
    "enabledMetrics": member("EnableMetricsCollection.Metrics"),
    "initialLifecycleHooks": many("LifecycleHookSpecificationList", _HOOK),
    "instanceLifecyclePolicy": nested(
        "InstanceLifecyclePolicy",
        {"retentionTriggers": nested("RetentionTriggers", same("terminateHookAbandon"))},
    ),
    "instanceMaintenancePolicy": nested(
        "InstanceMaintenancePolicy", same("maxHealthyPercentage", "minHealthyPercentage")
    ),
    "instanceRefresh": nested(
        "",
        {
            "preferences": nested("StartInstanceRefresh.Preferences", _REFRESH_PREFERENCES),
            "strategy": member("StartInstanceRefresh.Strategy"),
            "triggers": member(f"{PROVIDER}.instanceRefreshTriggers"),
        },
    ),
    "launchConfiguration": member("LaunchConfigurationName"),
    "launchTemplate": nested("LaunchTemplate", GROUP_TEMPLATE),
    "loadBalancers": member("LoadBalancerNames"),
    "metricsGranularity": member("EnableMetricsCollection.Granularity"),
    "mixedInstancesPolicy": nested("MixedInstancesPolicy", _POLICY),
    "name": member("AutoScalingGroupName"),
    "namePrefix": member(f"{PROVIDER}.namePrefix"),
    "protectFromScaleIn": member("NewInstancesProtectedFromScaleIn"),
    "serviceLinkedRoleArn": member("ServiceLinkedRoleARN"),
    "suspendedProcesses": member("SuspendProcesses.ScalingProcesses"),
    "tags": many("Tags", same("key", "propagateAtLaunch", "value")),
    "targetGroupArns": member("TargetGroupARNs"),
    "trafficSources": many("TrafficSources", same("identifier", "type")),
    "vpcZoneIdentifiers": member("VPCZoneIdentifier", ",".join, lambda text: text.split(",")),
    "warmPool": nested(
        "PutWarmPool",
        {
            **same("maxGroupPreparedCapacity", "minSize", "poolState"),
            "instanceReusePolicy": nested("InstanceReusePolicy", same("reuseOnScaleIn")),
        },
    ),
}
