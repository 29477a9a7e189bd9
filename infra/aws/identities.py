"""Roles that one of AWS's services takes, each with one policy of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import iam

from infra.aws import policies
from infra.naming import AWS_LIMIT, fit


@dataclass(frozen=True, slots=True)
class Identity:
    """A role and what it may do; who acts as it waits for both."""

    role: iam.Role
    policy: iam.RolePolicy


def declare_identity(
    name: str,
    service: str,
    policy: pulumi.Input[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> Identity:
    """A role for a service. IAM is the same in every region, hence no region here."""
    role = iam.Role(
        fit(name, AWS_LIMIT), assume_role_policy=policies.trust(service), tags=tags, opts=opts
    )
    return Identity(role, iam.RolePolicy(name, role=role.name, policy=policy, opts=opts))
