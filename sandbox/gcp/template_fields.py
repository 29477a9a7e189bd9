"""The field maps of an instance template: disks, network interfaces, scheduling, and the rest."""

from __future__ import annotations

from typing import Any

from sandbox.fields import Fields, Json, many, member, nested
from sandbox.gcp.shapes import digits, duration, only_one, pairs, same, whole, wrapped

_KEY: Fields = {
    "kmsKeySelfLink": member("kmsKeyName"),
    **same("kmsKeyServiceAccount", "rawKey", "rsaEncryptedKey"),
}

_NEW_DISK: Fields = {
    "architecture": member("initializeParams.architecture"),
    "diskName": member("initializeParams.diskName"),
    "diskSizeGb": digits("initializeParams.diskSizeGb"),
    "diskType": member("initializeParams.diskType"),
    "provisionedIops": digits("initializeParams.provisionedIops"),
    "provisionedThroughput": digits("initializeParams.provisionedThroughput"),
    "resourcePolicies": only_one("initializeParams.resourcePolicies"),
    "sourceImage": member("initializeParams.sourceImage"),
    "sourceSnapshot": member("initializeParams.sourceSnapshot"),
    "storagePool": member("initializeParams.storagePool"),
    "sourceImageEncryptionKey": nested("initializeParams.sourceImageEncryptionKey", _KEY),
    "sourceSnapshotEncryptionKey": nested("initializeParams.sourceSnapshotEncryptionKey", _KEY),
}

_ANY_DISK: Fields = {
    **same("autoDelete", "boot", "deviceName", "interface", "mode", "source", "type"),
    "guestOsFeatures": wrapped("guestOsFeatures", "type"),
    "diskEncryptionKey": nested("diskEncryptionKey", _KEY),
    **_NEW_DISK,
}

DISK: Fields = {
    **_ANY_DISK,
    "labels": member("initializeParams.labels"),
    "resourceManagerTags": member("initializeParams.resourceManagerTags"),
}

SELECTION_DISK: Fields = {
    **_ANY_DISK,
    "labels": pairs("initializeParams.labels"),
    "resourceManagerTags": pairs("initializeParams.resourceManagerTags"),
}

_ALIAS = same("ipCidrRange", "subnetworkRangeName")

_INTERFACE: Fields = {
    **same("network", "subnetwork", "networkAttachment", "nicType", "stackType", "queueCount"),
    **same("ipv6AccessType", "ipv6Address", "internalIpv6PrefixLength", "enableVpcScopedDns"),
    **same("igmpQuery", "parentNicName", "serviceClassId", "vlan"),
    "networkIp": member("networkIP"),
    "aliasIpRanges": many("aliasIpRanges", _ALIAS),
    "aliasIpv6Ranges": many("aliasIpv6Ranges", _ALIAS),
    "accessConfigs": many(
        "accessConfigs",
        {"natIp": member("natIP"), **same("networkTier", "publicPtrDomainName")},
    ),
    "ipv6AccessConfigs": many(
        "ipv6AccessConfigs",
        {
            **same("name", "networkTier", "publicPtrDomainName", "externalIpv6"),
            "externalIpv6PrefixLength": member("externalIpv6PrefixLength", int, str),
        },
    ),
}


def _recovery(values: list[Json]) -> Any:
    return {"seconds": str(values[0]["seconds"]), **_nanos(values[0])}


def _recovery_back(value: Json) -> list[Json]:
    return [{"seconds": int(value["seconds"]), **_nanos(value)}]


def _nanos(value: Json) -> Json:
    return {name: value[name] for name in ("nanos",) if name in value}


_SCHEDULING: Fields = {
    **same("automaticRestart", "availabilityDomain", "hostErrorTimeoutSeconds", "minNodeCpus"),
    **same("instanceTerminationAction", "onHostMaintenance", "preemptible", "provisioningModel"),
    **same("skipGuestOsShutdown", "terminationTime"),
    "maxRunDuration": duration("maxRunDuration"),
    "preemptionNoticeDuration": duration("preemptionNoticeDuration"),
    "localSsdRecoveryTimeouts": member("localSsdRecoveryTimeout", whole(_recovery), _recovery_back),
    "nodeAffinities": many("nodeAffinities", same("key", "operator", "values")),
    "onInstanceStopAction": nested("onInstanceStopAction", same("discardLocalSsd")),
    "gracefulShutdown": nested(
        "gracefulShutdown", {"enabled": member("enabled"), "maxDuration": duration("maxDuration")}
    ),
}

_RESERVATION: Fields = {
    "type": member("consumeReservationType"),
    "specificReservation": nested("", same("key", "values")),
}


def _items(values: Json) -> list[Json]:
    return [{"key": key, "value": value} for key, value in sorted(values.items())]


def _values(items: list[Json]) -> Json:
    return {item["key"]: item["value"] for item in items}


TEMPLATE: Fields = {
    **same("name", "description"),
    **{
        name: member(f"properties.{name}")
        for name in (
            *("machineType", "minCpuPlatform", "canIpForward", "labels", "resourceManagerTags"),
            "keyRevocationActionType",
        )
    },
    "instanceDescription": member("properties.description"),
    "metadata": member("properties.metadata.items", _items, _values),
    "tags": member("properties.tags.items"),
    "resourcePolicies": only_one("properties.resourcePolicies"),
    "serviceAccount": only_one("properties.serviceAccounts"),
    "disks": many("properties.disks", DISK),
    "networkInterfaces": many("properties.networkInterfaces", _INTERFACE),
    "scheduling": nested("properties.scheduling", _SCHEDULING),
    "guestAccelerators": many(
        "properties.guestAccelerators",
        {"count": member("acceleratorCount"), "type": member("acceleratorType")},
    ),
    "advancedMachineFeatures": nested(
        "properties.advancedMachineFeatures",
        same(
            *("enableNestedVirtualization", "enableUefiNetworking", "performanceMonitoringUnit"),
            *("threadsPerCore", "turboMode", "visibleCoreCount"),
        ),
    ),
    "confidentialInstanceConfig": nested(
        "properties.confidentialInstanceConfig",
        same("confidentialInstanceType", "enableConfidentialCompute"),
    ),
    "networkPerformanceConfig": nested(
        "properties.networkPerformanceConfig", same("totalEgressBandwidthTier")
    ),
    "reservationAffinity": nested("properties.reservationAffinity", _RESERVATION),
    "shieldedInstanceConfig": nested(
        "properties.shieldedInstanceConfig",
        same("enableIntegrityMonitoring", "enableSecureBoot", "enableVtpm"),
    ),
    "workloadIdentityConfig": nested(
        "properties.workloadIdentityConfig", same("identity", "identityCertificateEnabled")
    ),
}
