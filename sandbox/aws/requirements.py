"""Attribute-based instance selection, the same in launch templates and groups."""

from __future__ import annotations

from sandbox.aws.members import same
from sandbox.fields import Field, member, nested

_RANGE = same("max", "min")

REQUIREMENTS: dict[str, Field] = {
    **same(
        "acceleratorManufacturers",
        "acceleratorNames",
        "acceleratorTypes",
        "allowedInstanceTypes",
        "bareMetal",
        "burstablePerformance",
        "cpuManufacturers",
        "excludedInstanceTypes",
        "instanceGenerations",
        "localStorage",
        "localStorageTypes",
        "maxSpotPriceAsPercentageOfOptimalOnDemandPrice",
        "onDemandMaxPricePercentageOverLowestPrice",
        "requireHibernateSupport",
        "spotMaxPricePercentageOverLowestPrice",
    ),
    "acceleratorCount": nested("AcceleratorCount", _RANGE),
    "acceleratorTotalMemoryMib": nested("AcceleratorTotalMemoryMiB", _RANGE),
    "baselineEbsBandwidthMbps": nested("BaselineEbsBandwidthMbps", _RANGE),
    "memoryGibPerVcpu": nested("MemoryGiBPerVCpu", _RANGE),
    "memoryMib": nested("MemoryMiB", _RANGE),
    "networkBandwidthGbps": nested("NetworkBandwidthGbps", _RANGE),
    "networkInterfaceCount": nested("NetworkInterfaceCount", _RANGE),
    "totalLocalStorageGb": nested("TotalLocalStorageGB", _RANGE),
    "vcpuCount": nested("VCpuCount", _RANGE),
}

SPECIFICATION: dict[str, Field] = same("launchTemplateId", "launchTemplateName", "version")
GROUP_TEMPLATE: dict[str, Field] = {
    "id": member("LaunchTemplateId"),
    "name": member("LaunchTemplateName"),
    "version": member("Version"),
}
