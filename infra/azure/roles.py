"""Who may do what: built-in roles by their ids, and the one of our own, which sets sizes.

Azure grants per resource, but not per tag: the reactor's role reaches over the resource groups of the stack's cells,
which hold nothing else, and the reactor checks the tag of each set besides.
"""

from __future__ import annotations

import pulumi
from pulumi_azure_native import authorization as azure

BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
BLOB_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
"""What the Functions host asks for on the account that it keeps its leases in."""
QUEUE_CONTRIBUTOR = "974c5e8b-45b9-4653-ba55-5f855dd0fb88"
QUEUE_SENDER = "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a"
METRICS_PUBLISHER = "3913510d-42f4-4e42-8a64-420c390055eb"
IDENTITY_OPERATOR = "f1a07417-d97a-45cb-824c-7a7470783830"
SIZE_ACTIONS = (
    "Microsoft.Compute/virtualMachineScaleSets/read",
    "Microsoft.Compute/virtualMachineScaleSets/write",
    "Microsoft.Compute/virtualMachineScaleSets/instanceView/read",
    "Microsoft.Compute/virtualMachines/read",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
    "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
)
"""A PATCH of the capacity is checked like the whole set: for what its machines are joined to as well."""


def built_in(role: str, scope: pulumi.Input[str]) -> pulumi.Output[str]:
    """The id of a built-in role's definition in the subscription of a scope."""
    return pulumi.Output.from_input(scope).apply(
        lambda known: (
            f"{subscription(known)}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        )
    )


def assign(
    name: str,
    principal: pulumi.Output[str],
    role: pulumi.Input[str],
    *,
    scope: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> azure.RoleAssignment:
    """Give a managed identity a role. The type of principal is named: a new one is not known everywhere yet."""
    return azure.RoleAssignment(
        name,
        principal_id=principal,
        principal_type="ServicePrincipal",
        role_definition_id=role,
        scope=scope,
        opts=opts,
    )


def size_role(
    name: str, group: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> azure.RoleDefinition:
    """The role that reads and sizes the scale sets of a resource group (its id). A role's name is unique in the tenant."""
    return azure.RoleDefinition(
        name,
        role_name=pulumi.Output.concat("Sizes in ", group),
        description="Reads scale sets and their machines, and sets sizes",
        role_type="CustomRole",
        permissions=[azure.PermissionArgs(actions=list(SIZE_ACTIONS))],
        assignable_scopes=[group],
        scope=group,
        opts=opts,
    )


def subscription(resource: str) -> str:
    """The id of the subscription that a resource is in."""
    return "/".join(resource.split("/")[:3])


def resource_group(resource: str) -> str:
    """The id of the resource group that a resource is in."""
    return resource.split("/providers/")[0]
