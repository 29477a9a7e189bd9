"""A foreign program walks into every pitfall; the emulated Google Cloud says each time what the real one says."""

from __future__ import annotations

import pytest

from tests.sandbox.foreign import Outcome, run_foreign
from tests.sandbox.gcp_pitfalls import program

REASONS = {
    "restart": "Scheduling must have preemptible be false when AutomaticRestart is true.",
    "moves": "Scheduling must have preemptible be false when OnHostMaintenance isn't TERMINATE.",
    "half-spot": "preemptible be true when ProvisioningModel is SPOT",
    "gpu-moves": "Instances with guest accelerators do not support live migration.",
    "gpu-moves-by-default": "Instances with guest accelerators do not support live migration.",
    "late-notice": "can only be specified for Spot VMs",
    "two-gpus": "[nvidia-tesla-t4, g2-standard-4] features are not compatible for creating instance.",
    "a100-on-n1": "[nvidia-tesla-a100, n1-standard-8] features are not compatible",
    "slow-disk": "pd-standard disk type cannot be used by g2-standard-4 machine type.",
    "old-disk": "pd-balanced disk type cannot be used by a4-highgpu-8g machine type.",
    "long-prefix": "Invalid value for field 'resource.name'",
    "shouts": "Label value 'Serving' violates format constraints. The value can only contain lowercase letters",
    "numbered": "Label key '1st' violates format constraints.",
    "wordy": "The size of the value must be less than or equal to 262144 bytes (256 KiB).",
    "negative": "Must be greater than or equal to 0.",
    "no-such-subnet": "'resource.properties.networkInterfaces[0].subnetwork': 'nowhere'. "
    "The referenced subnetwork resource cannot be found.",
    "second": "The resource 'projects/emulated-project/regions/us-central1/instanceTemplates/taken' already exists",
    "Capital": "Invalid value for field 'resource.baseInstanceName': 'Capital'",
    "long-base": "Invalid value for field 'resource.baseInstanceName'",
    "few-surge": "Fixed updatePolicy.maxSurge for regional managed instance group has to be either 0 or at least "
    "equal to the number of zones.",
    "few-unavailable": "Fixed updatePolicy.maxUnavailable for regional managed instance group",
    "stuck": "At least one of maxSurge and maxUnavailable must be greater than 0.",
    "recreates": "maxSurge must be equal to 0 when replacement method is set to RECREATE",
    "reshuffles": "Proactive instance redistribution is not supported",
    "misspelt": "'resource.updatePolicy.type' (one of OPPORTUNISTIC, PROACTIVE), \"EAGER\"",
    "far-zone": "'resource.distributionPolicy.zones[0].zone': 'zones/europe-west4-a'",
    "no-template": "The referenced instance_template resource cannot be found.",
    "two-mains": "Exactly one version must leave the targetSize field unset.",
    "impatient": "Must be between 0 and 3600, inclusive.",
    "no-check": "The referenced health_check resource cannot be found.",
    "twice": "A machine type can be specified in only one instance selection.",
    "slow-check": "It is invalid for timeoutSec to have greater value than checkIntervalSec",
    "no-protocol": "exactly one of `grpcHealthCheck,",
    "two-protocols": "exactly one of `grpcHealthCheck,",
    "never-healthy": "'resource.healthyThreshold': '11'",
    "rated": "Balancing mode must be CONNECTION for an EXTERNAL backend service.",
    "scaled": '"capacity_scaler" cannot be set for non-managed backend service, found value 0.5',
    "http-backend": "'resource.protocol': 'HTTP'",
    "checks-nothing": "The referenced health_check resource cannot be found.",
    "aimless": "Exactly one of target and backendService must be specified.",
    "six-ports": "At most 5 ports may be specified.",
    "all-and-one": "Only one of ports, portRange and allPorts may be specified.",
    "mixed-schemes": "Load balancing scheme must match that of the backend service (EXTERNAL).",
    "under_score": "Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'",
    "overlaps": "Invalid IPCidrRange: 10.0.1.0/24 conflicts with existing subnetwork",
    "host-bits": "'resource.ipCidrRange': '10.9.1.0/23'. Must be a CIDR address range.",
    "nowhere": "The referenced network resource cannot be found.",
    "no-region": "Cannot determine region",
    "allows-nothing": 'exactly one of "allow" or "deny" must be specified',
    "from-nowhere": "must be defined when direction is INGRESS",
    "no-router": "The resource 'projects/emulated-project/regions/us-central1/routers/none' was not found",
    "auto-and-manual": "Must be empty if nat_ip_allocate_option is set to AUTO_ONLY.",
}


GOOD = {
    *(
        "good-spot",
        "good-standard",
        "good-n1",
        "good-notice",
        "first",
        "good-group",
        "good-balanced",
    ),
    *("good-check", "good-backend", "inner-backend", "good-rule"),
    *("good-net", "good-subnet", "good-router", "good-nat"),
}


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run_foreign(program)


@pytest.mark.parametrize(("resource", "reason"), REASONS.items(), ids=REASONS.keys())
def test_a_pitfall_is_refused_with_the_reason_of_the_cloud(
    outcome: Outcome, resource: str, reason: str
) -> None:
    assert reason in outcome.refused[resource]
    assert resource not in outcome.created


def test_good_resources_are_created_beside_the_bad_ones(outcome: Outcome) -> None:
    assert outcome.created >= GOOD
    assert outcome.refused.keys() <= REASONS.keys() | {"foreign-test"}
