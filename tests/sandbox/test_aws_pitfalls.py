"""A foreign program walks into every pitfall; the emulated AWS says each time what the real one says."""

from __future__ import annotations

import pytest

from sandbox.aws.zones import zone_of
from sandbox.fields import UNKNOWN
from sandbox.refusal import Refusal
from tests.sandbox.aws_foreign import NO_SUCH, program
from tests.sandbox.foreign import Outcome, run_foreign


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run_foreign(program)


REASONS = {
    "overlap": "InvalidSubnet.Conflict: The CIDR '10.0.0.0/20' conflicts with another subnet",
    "outside": "InvalidSubnet.Range: The CIDR '10.1.0.0/24' is invalid.",
    "elsewhere": "Value (usw2-az1) for parameter availabilityZoneId is invalid.",
    "huge": "InvalidVpc.Range: The CIDR '10.0.0.0/8' is invalid.",
    "nowhere": f"InvalidVpcID.NotFound: The vpc ID 'vpc-{NO_SUCH}' does not exist",
    "no-address": "MissingParameter: The request must contain the parameter AllocationId",
    "second-nat": "Resource.AlreadyAssociated",
    "offline-nat": "has no Internet gateway attached",
    "offline": "InvalidSubnet: VPC vpc-",
    "bad-route": f"InvalidNatGatewayID.NotFound: The natGateway ID 'nat-{NO_SUCH}' does not exist",
    "two-targets": "one target must be specified, found GatewayId, NatGatewayId",
    "no-source": "one of cidrBlocks, ipv6CidrBlocks, prefixListIds, securityGroups or self must be set",
    "no-protocol": "Invalid value 'http' for IP protocol",
    "all-with-ports": "from_port (80) and to_port (80) must both be 0",
    "backwards": "Invalid value '90-80' for portRange",
    "no-group": f"InvalidGroup.NotFound: The security group 'sg-{NO_SUCH}' does not exist",
    "reserved": "Group names may not be in the format sg-*.",
    "long-name": "cannot be longer than '32' characters",
    "odd-name": "can only contain characters that are alphanumeric characters and hyphens(-)",
    "same-zone": "cannot be attached to multiple subnets in the same Availability Zone",
    "one-zone": "At least two subnets in two different Availability Zones must be specified",
    "no-subnet": f"SubnetNotFound: The subnet ID 'subnet-{NO_SUCH}' does not exist",
    "no-such-sg": "One or more security groups are invalid",
    "no-such-kind": "Value 'classic' at 'Type'",
    "long-targets": "cannot be longer than '32' characters",
    "no-port": 'Attribute "port" must be specified when "target_type" is "instance".',
    "slow-check": "Health check interval must be greater than the timeout.",
    "tcp-path": 'Attribute "health_check.path" cannot be specified',
    "cookies": "Stickiness type 'lb_cookie' is not supported for target groups with the TCP protocol",
    "no-such-protocol": "Value 'SCTP' at 'Protocol'",
    "no-such-algorithm": "'random' is not a valid value for attribute 'load_balancing.algorithm.type'",
    "long-idle": "'7000' is not a valid value for attribute 'tcp.idle_timeout.seconds': must be 60 to 6000",
    "reserved-tag": "Tag keys starting with 'aws:' are reserved for internal use",
    "taken-port": "DuplicateListener: A listener already exists on this port",
    "web-on-network": "Listener protocol 'HTTP' must be one of 'TCP, TLS, UDP",
    "no-certificate": "A certificate must be specified for TLS listeners",
    "no-status": "'DefaultActions.1.FixedResponseConfig.StatusCode'",
    "answers": "Action type 'fixed-response' is not supported",
    "no-target": "InvalidLoadBalancerAction: A target group must be specified",
    "mismatch": "IncompatibleProtocols: The listener and its associated target group",
    "no-balancer": "LoadBalancerNotFound",
    "long-script": "InvalidUserData.Malformed: User data is limited to 16384 bytes.",
    "plain-script": "InvalidUserData.Malformed: Invalid BASE64 encoding of user data.",
    "no-such-type": "Invalid value 'g99.xlarge' for LaunchTemplateData.InstanceType",
    "no-such-disk": "Invalid value 'gp9' for LaunchTemplateData.BlockDeviceMappings.1.Ebs.VolumeType",
    "lax": "Invalid value 'maybe' for LaunchTemplateData.MetadataOptions.HttpTokens",
    "two-places-for-groups": "Network interfaces and an instance-level security groups",
    "too-many": "Desired capacity:5 must be between the specified min size:0 and max size:4",
    "too-few": "Desired capacity:1 must be between the specified min size:2 and max size:4",
    "upside-down": "Max bound, 4, must be greater than or equal to min bound, 5",
    "market-options": "You cannot use a launch template that is set to request Spot Instances",
    "no-image": "The request must contain the parameter ImageId",
    "no-type": "The request must contain the parameter InstanceType",
    "no-source-at-all": "Valid requests must contain either LaunchTemplate",
    "two-sources": "Valid requests must contain either LaunchTemplate",
    "no-template": f"with template ID lt-{NO_SUCH}, does not exist.",
    "no-version": "Could not find the specified version 7",
    "no-such-subnet": f"The subnet ID 'subnet-{NO_SUCH}' does not exist",
    "no-subnets": "At least one Availability Zone or VPC Subnet is required.",
    "no-targets": "Provided Target Groups may not be valid",
    "no-such-strategy": "Value 'cheapest' at 'MixedInstancesPolicy.InstancesDistribution.SpotAllocationStrategy'",
    "pools": "SpotInstancePools option is only available with the lowest-price allocation strategy.",
    "share": "OnDemandPercentageAboveBaseCapacity 101 must be between 0 and 100.",
    "half-weighted": "WeightedCapacity must be given for every override or for none.",
    "weightless": "WeightedCapacity '0' must be a whole number between 1 and 999.",
    "no-such-process": "Value 'Rebalance' at 'ScalingProcesses'",
    "no-such-check": "Invalid HealthCheckType 'HTTP'",
    "impatient": "want at least 99 healthy instance(s) in Auto Scaling Group, have",
    "second-of-name": "AlreadyExists: AutoScalingGroup by this name already exists",
}
GOOD = {
    *("vpc", "gateway", "a", "b", "twin", "address", "nat", "spare", "lonely", "inner", "web"),
    *(
        "edge",
        "good",
        "web-targets",
        "listening",
        "full-script",
        "network-check",
        "plain",
        "typed",
        "spot",
        "blank",
    ),
    *("spots", "typed-group", "patient", "first-of-name"),
}


@pytest.mark.parametrize("name", REASONS)
def test_the_cloud_refuses_with_its_reason(outcome: Outcome, name: str) -> None:
    assert REASONS[name] in outcome.refused.get(name, f"{name} was not refused")
    assert name not in outcome.created


def test_what_is_right_is_created(outcome: Outcome) -> None:
    assert {name for name in outcome.created if "_" not in name} - {"foreign-test"} == GOOD


def test_nothing_else_is_refused(outcome: Outcome) -> None:
    assert outcome.refused.keys() - {"foreign-test"} == REASONS.keys()


@pytest.mark.parametrize("zone", [{}, {"AvailabilityZone": "us-east-1a"}])
def test_a_subnet_without_a_region_is_refused(zone: dict[str, str]) -> None:
    with pytest.raises(Refusal, match="MissingRegion: no region: set aws:region"):
        zone_of("", zone)


def test_a_subnets_zone_is_unknown_while_its_region_is() -> None:
    assert zone_of(UNKNOWN, {"AvailabilityZone": "us-east-1a"}) == UNKNOWN
