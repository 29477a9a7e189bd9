"""Rich inputs for every row of the emulated Google Cloud, in an order in which they can be created."""

from __future__ import annotations

from tests.sandbox.gcp_samples_machines import BALANCING, MACHINES
from tests.sandbox.gcp_samples_network import HEALTH, NETWORKING
from tests.sandbox.gcp_samples_services import SERVICES

SAMPLES = (*NETWORKING, *HEALTH, *MACHINES, *BALANCING, *SERVICES)
