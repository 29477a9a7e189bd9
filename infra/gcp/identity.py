"""Who acts on GCP: the reactor, those that may call it, and the machines; each with what it needs and nothing else.

Google grants the right to resize over a project, not over single groups: regional groups are no type that conditions of
IAM know. The reactor therefore checks the label of a group before it sets its size; a stack that must be kept apart from
others by more than that wants a project of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import projects, serviceaccount

from infra.naming import ACCOUNT_LIMIT, Owner, fit, slug

LOOP_PERMISSIONS = (
    "compute.instanceGroupManagers.get",
    "compute.instanceGroupManagers.list",
    "compute.instanceGroupManagers.update",
)
"""What the loop calls: groups of a region (`list`), their machines and errors (`get`), their sizes (`update`)."""


@dataclass(frozen=True, slots=True)
class Identities:
    """Service accounts. `caller`: as whom Pub/Sub and Cloud Scheduler call the function. `granted`: the reactor's role."""

    reactor: serviceaccount.Account
    caller: serviceaccount.Account
    machines: serviceaccount.Account
    granted: pulumi.Resource


def declare_identities(
    name: str, owner: Owner, project: str | None, opts: pulumi.ResourceOptions
) -> Identities:
    """The accounts, and the reactor's role in the project."""
    reactor, caller, machines = (
        serviceaccount.Account(
            fit(slug(f"{owner.stack}-{use}"), ACCOUNT_LIMIT),
            project=project,
            display_name=f"{owner.project} {owner.stack}: {use}",
            description=owner.mark(),
            opts=opts,
        )
        for use in ("reactor", "caller", "machine")
    )
    role = projects.IAMCustomRole(
        name,
        project=project,
        role_id=slug(f"{owner.project}-{owner.stack}-reactor").replace("-", "_"),
        title=f"{owner.project} {owner.stack} reactor",
        description=owner.mark(),
        permissions=list(LOOP_PERMISSIONS),
        opts=opts,
    )
    granted = projects.IAMMember(
        name, project=role.project, role=role.name, member=reactor.member, opts=opts
    )
    return Identities(reactor, caller, machines, granted)
