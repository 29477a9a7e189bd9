"""Reactors: what every cloud's takes and gives, and where to find it.

A cloud's module, and with it the cloud's provider package, is loaded only when a plan uses it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pulumi

from allocator.plan import Plan
from infra.naming import Owner
from infra.settings import Settings

_MODULES = {
    "aws": "infra.aws.reactor",
    "gcp": "infra.gcp.reactor",
    "azure": "infra.azure.reactor",
}


@dataclass(frozen=True, slots=True)
class DeclaredGroup:
    """A group whose size the reactor sets: its key in the runtime plan, and what the cloud's API calls it."""

    key: str
    resource: pulumi.Output[str]
    region: str


@dataclass(frozen=True, slots=True)
class ReactorArgs:
    """`regions`: where the function runs, the primary first; `cells`: every region with machines, whose events count.

    `package`: the zip of the function.
    """

    owner: Owner
    settings: Settings
    regions: tuple[str, ...]
    cells: tuple[str, ...]
    package: Path


@dataclass(frozen=True, slots=True)
class Notices:
    """How a machine tells that it goes: where, best first (ARNs or URLs, separated by commas), and as whom (an instance
    profile's ARN, a service account's e-mail, the id of a user-assigned identity)."""

    urls: pulumi.Output[str]
    identity: pulumi.Output[str]


PlanText = Callable[[Mapping[str, str], Mapping[str, Sequence[str]]], str]


def plan_text(
    groups: Sequence[DeclaredGroup],
    text: PlanText,
    addresses: Mapping[str, Sequence[pulumi.Output[str]]],
) -> pulumi.Output[str]:
    """The content of plan.json as soon as all ids and addresses are known."""
    ids = pulumi.Output.all(**{group.key: group.resource for group in groups})
    known = pulumi.Output.all(**{c: pulumi.Output.all(*urls) for c, urls in addresses.items()})
    return pulumi.Output.all(ids, known).apply(lambda both: text(*both))


class ReactorComponent(pulumi.ComponentResource):
    """The function of a cloud with its events, store and identities. `stores`: URLs of the objects' folders, primary first."""

    notices: Notices
    stores: tuple[pulumi.Output[str], ...]

    def __init__(self, cloud: str, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"skyblend:{cloud}:Reactor", name, {}, opts)

    def publish(
        self,
        groups: Sequence[DeclaredGroup],
        text: PlanText,
        *,
        addresses: Mapping[str, Sequence[pulumi.Output[str]]],
        after: Sequence[pulumi.Resource],
    ) -> None:
        """Declare plan.json in every store, once the groups and whatever is in `after` exist.

        `text`: its content from the groups' ids by key and the resolved `addresses`.
        """


def reactor_class(cloud: str) -> Callable[[str, ReactorArgs], ReactorComponent]:
    """The component of a cloud; imports the cloud's provider package."""
    return cast(
        Callable[[str, ReactorArgs], ReactorComponent],
        importlib.import_module(_MODULES[cloud]).Reactor,
    )


def reactor_regions(plan: Plan, cloud: str, settings: Settings) -> tuple[str, ...]:
    """Two regions of the cloud, or the only one: the first cells by name, unless the settings name others."""
    named = getattr(settings, cloud).reactor_regions
    regions = [cell.region for cell in plan.decisions.cells if cell.cloud == cloud]
    return tuple(named or sorted(regions)[:2])
