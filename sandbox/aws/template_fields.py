"""The inputs of a launch template that describe the machine."""

from __future__ import annotations

from sandbox.aws.members import boolean, each, pairs, same, unpaired
from sandbox.aws.requirements import REQUIREMENTS
from sandbox.fields import Fields, Json, many, member, nested


def _primary(addresses: list[str]) -> list[Json]:
    return [{"PrivateIpAddress": one, "Primary": i == 0} for i, one in enumerate(addresses)]


_DISK: Fields = {
    "deviceName": member("DeviceName"),
    "ebs": nested(
        "Ebs",
        {
            **same(
                "iops",
                "kmsKeyId",
                "snapshotId",
                "throughput",
                "volumeInitializationRate",
                "volumeSize",
                "volumeType",
            ),
            "deleteOnTermination": boolean("DeleteOnTermination"),
            "encrypted": boolean("Encrypted"),
        },
    ),
    "noDevice": member("NoDevice"),
    "virtualName": member("VirtualName"),
}
_INTERFACE: Fields = {
    **same(
        "description",
        "deviceIndex",
        "enaQueueCount",
        "interfaceType",
        "ipv4PrefixCount",
        "ipv6AddressCount",
        "ipv6PrefixCount",
        "networkCardIndex",
        "networkInterfaceId",
        "privateIpAddress",
        "subnetId",
    ),
    "associateCarrierIpAddress": boolean("AssociateCarrierIpAddress"),
    "associatePublicIpAddress": boolean("AssociatePublicIpAddress"),
    "connectionTrackingSpecification": nested(
        "ConnectionTrackingSpecification",
        same("tcpEstablishedTimeout", "udpStreamTimeout", "udpTimeout"),
    ),
    "deleteOnTermination": boolean("DeleteOnTermination"),
    "enaSrdSpecification": nested(
        "EnaSrdSpecification",
        {
            "enaSrdEnabled": member("EnaSrdEnabled"),
            "enaSrdUdpSpecification": nested("EnaSrdUdpSpecification", same("enaSrdUdpEnabled")),
        },
    ),
    "ipv4AddressCount": member("SecondaryPrivateIpAddressCount"),
    "ipv4Addresses": member(
        "PrivateIpAddresses", _primary, lambda items: [item["PrivateIpAddress"] for item in items]
    ),
    "ipv4Prefixes": each("Ipv4Prefixes", "Ipv4Prefix"),
    "ipv6Addresses": each("Ipv6Addresses", "Ipv6Address"),
    "ipv6Prefixes": each("Ipv6Prefixes", "Ipv6Prefix"),
    "primaryIpv6": boolean("PrimaryIpv6"),
    "securityGroups": member("Groups"),
}
_SECONDARY: Fields = {
    **same(
        "deleteOnTermination",
        "deviceIndex",
        "interfaceType",
        "networkCardIndex",
        "privateIpAddressCount",
        "secondarySubnetId",
    ),
    "privateIpAddresses": each("PrivateIpAddresses", "PrivateIpAddress"),
}
_PLACEMENT = same(
    "affinity",
    "availabilityZone",
    "groupId",
    "groupName",
    "hostId",
    "hostResourceGroupArn",
    "partitionNumber",
    "spreadDomain",
    "tenancy",
)
DATA: Fields = {
    **same(
        "disableApiStop",
        "disableApiTermination",
        "imageId",
        "instanceInitiatedShutdownBehavior",
        "instanceType",
        "kernelId",
        "keyName",
        "ramDiskId",
        "userData",
    ),
    "blockDeviceMappings": many("BlockDeviceMappings", _DISK),
    "capacityReservationSpecification": nested(
        "CapacityReservationSpecification",
        {
            "capacityReservationPreference": member("CapacityReservationPreference"),
            "capacityReservationTarget": nested(
                "CapacityReservationTarget",
                same("capacityReservationId", "capacityReservationResourceGroupArn"),
            ),
        },
    ),
    "cpuOptions": nested(
        "CpuOptions", same("amdSevSnp", "coreCount", "nestedVirtualization", "threadsPerCore")
    ),
    "creditSpecification": nested("CreditSpecification", same("cpuCredits")),
    "ebsOptimized": boolean("EbsOptimized"),
    "enclaveOptions": nested("EnclaveOptions", same("enabled")),
    "hibernationOptions": nested("HibernationOptions", same("configured")),
    "iamInstanceProfile": nested("IamInstanceProfile", same("arn", "name")),
    "instanceMarketOptions": nested(
        "InstanceMarketOptions",
        {
            "marketType": member("MarketType"),
            "spotOptions": nested(
                "SpotOptions",
                same(
                    "blockDurationMinutes",
                    "instanceInterruptionBehavior",
                    "maxPrice",
                    "spotInstanceType",
                    "validUntil",
                ),
            ),
        },
    ),
    "instanceRequirements": nested("InstanceRequirements", REQUIREMENTS),
    "licenseSpecifications": many("LicenseSpecifications", same("licenseConfigurationArn")),
    "maintenanceOptions": nested("MaintenanceOptions", same("autoRecovery")),
    "metadataOptions": nested(
        "MetadataOptions",
        same(
            "httpEndpoint",
            "httpProtocolIpv6",
            "httpPutResponseHopLimit",
            "httpTokens",
            "instanceMetadataTags",
        ),
    ),
    "monitoring": nested("Monitoring", same("enabled")),
    "networkInterfaces": many("NetworkInterfaces", _INTERFACE),
    "networkPerformanceOptions": nested("NetworkPerformanceOptions", same("bandwidthWeighting")),
    "placement": nested("Placement", _PLACEMENT),
    "privateDnsNameOptions": nested(
        "PrivateDnsNameOptions",
        {
            **same("enableResourceNameDnsARecord", "hostnameType"),
            "enableResourceNameDnsAaaaRecord": member("EnableResourceNameDnsAAAARecord"),
        },
    ),
    "secondaryInterfaces": many("SecondaryInterfaces", _SECONDARY),
    "securityGroupNames": member("SecurityGroups"),
    "tagSpecifications": many(
        "TagSpecifications",
        {"resourceType": member("ResourceType"), "tags": member("Tags", pairs, unpaired)},
    ),
    "vpcSecurityGroupIds": member("SecurityGroupIds"),
}
