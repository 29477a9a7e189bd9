"""What a sample of the emulated Google Cloud is, and the ids of those that others point at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PROJECT = "emulated-project"
REGION = "us-central1"
PLACE = {"project": PROJECT, "region": REGION}
REGIONAL = f"projects/{PROJECT}/regions/{REGION}"
NETWORK = f"projects/{PROJECT}/global/networks/net"
SUBNETWORK = f"{REGIONAL}/subnetworks/sub"
TEMPLATE = f"{REGIONAL}/instanceTemplates/tpl"
GROUP = f"{REGIONAL}/instanceGroupManagers/group"
HEALTH_CHECK = f"{REGIONAL}/healthChecks/check"
BACKEND = f"{REGIONAL}/backendServices/passthrough"


@dataclass(frozen=True, slots=True)
class Sample:
    """Inputs of one resource; `title` names it in test reports."""

    title: str
    token: str
    inputs: dict[str, Any]


def token_of(word: str) -> str:
    """Pulumi's token of a type of the compute module."""
    return f"gcp:compute/{word[0].lower()}{word[1:]}:{word}"
