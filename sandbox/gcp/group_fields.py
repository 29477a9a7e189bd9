"""The field map of a regional managed instance group."""

from __future__ import annotations

from typing import Any

from sandbox.fields import UNKNOWN, Fields, Json, backward, forward, many, member, nested
from sandbox.gcp.links import short_name
from sandbox.gcp.shapes import only_one, same, whole
from sandbox.gcp.template_fields import SELECTION_DISK

_SELECTION: Fields = {
    **same("machineTypes", "rank", "minCpuPlatform"),
    "disks": many("disks", SELECTION_DISK),
}


def _zones(names: list[str]) -> list[Json]:
    return [{"zone": name if name == UNKNOWN else f"zones/{name}"} for name in names]


def _zone_names(zones: list[Json]) -> list[str]:
    return [short_name(item["zone"]) for item in zones]


def _selections(items: list[Json]) -> Any:
    """A list with names becomes a map by name."""
    return {
        item["name"]: forward(_SELECTION, {k: v for k, v in item.items() if k != "name"})
        for item in items
    }


def _selection_list(selections: Json) -> list[Json]:
    return [{"name": name, **backward(_SELECTION, item)} for name, item in selections.items()]


def _stateful(key: str) -> tuple[Any, Any]:
    """Both ways between a list of things to keep and the map by name that the API has."""

    def to(items: list[Json]) -> Json:
        return {item[key]: {"autoDelete": item.get("deleteRule", "NEVER")} for item in items}

    def back(mapping: Json) -> list[Json]:
        return [{key: name, "deleteRule": it["autoDelete"]} for name, it in mapping.items()]

    return whole(to), back


_UPDATE_POLICY: Fields = {
    **same("type", "minimalAction", "mostDisruptiveAllowedAction", "replacementMethod"),
    **same("instanceRedistributionType"),
    "maxSurgeFixed": member("maxSurge.fixed"),
    "maxSurgePercent": member("maxSurge.percent"),
    "maxUnavailableFixed": member("maxUnavailable.fixed"),
    "maxUnavailablePercent": member("maxUnavailable.percent"),
}

_LIFECYCLE: Fields = {
    **same("defaultActionOnFailure", "forceUpdateOnRepair", "onFailedHealthCheck"),
    "onRepair": nested("onRepair", same("allowChangingZone")),
}

GROUP: Fields = {
    **same("name", "description", "baseInstanceName", "targetSize", "targetPools"),
    **same("targetStoppedSize", "targetSuspendedSize", "listManagedInstancesResults"),
    "versions": many(
        "versions",
        {
            **same("instanceTemplate", "name"),
            "targetSize": nested("targetSize", same("fixed", "percent")),
        },
    ),
    "distributionPolicyZones": member("distributionPolicy.zones", _zones, _zone_names),
    "distributionPolicyTargetShape": member("distributionPolicy.targetShape"),
    "updatePolicy": nested("updatePolicy", _UPDATE_POLICY),
    "autoHealingPolicies": only_one("autoHealingPolicies"),
    "namedPorts": many("namedPorts", same("name", "port")),
    "instanceFlexibilityPolicy": nested(
        "instanceFlexibilityPolicy",
        {"instanceSelections": member("instanceSelections", whole(_selections), _selection_list)},
    ),
    "instanceLifecyclePolicy": nested("instanceLifecyclePolicy", _LIFECYCLE),
    "allInstancesConfig": nested("allInstancesConfig.properties", same("labels", "metadata")),
    "standbyPolicy": nested("standbyPolicy", same("mode", "initialDelaySec")),
    "resourcePolicies": nested("resourcePolicies", same("workloadPolicy")),
    "targetSizePolicies": member("targetSizePolicy", lambda items: items[0], lambda item: [item]),
    "statefulDisks": member("statefulPolicy.preservedState.disks", *_stateful("deviceName")),
    "statefulExternalIps": member(
        "statefulPolicy.preservedState.externalIPs", *_stateful("interfaceName")
    ),
    "statefulInternalIps": member(
        "statefulPolicy.preservedState.internalIPs", *_stateful("interfaceName")
    ),
}
