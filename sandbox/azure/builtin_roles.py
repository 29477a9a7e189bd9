"""Azure's built-in roles, as far as programs have needed them: what each allows, by the id of its definition.

From Azure's list of built-in roles; `data` are actions on what is in a resource rather than on the resource.
"""

from __future__ import annotations

from dataclasses import dataclass

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices"
_CONTAINERS = f"{_BLOBS}/containers"
_QUEUES = "Microsoft.Storage/storageAccounts/queueServices/queues"


@dataclass(frozen=True, slots=True)
class Role:
    """Patterns of actions; `*` stands for anything."""

    name: str
    actions: tuple[str, ...]
    data: tuple[str, ...]


BUILT_IN = {
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": Role(
        "Storage Blob Data Reader",
        (f"{_CONTAINERS}/read", f"{_BLOBS}/generateUserDelegationKey/action"),
        (f"{_CONTAINERS}/blobs/read",),
    ),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": Role(
        "Storage Blob Data Contributor",
        (
            f"{_CONTAINERS}/delete",
            f"{_CONTAINERS}/read",
            f"{_CONTAINERS}/write",
            f"{_BLOBS}/generateUserDelegationKey/action",
        ),
        tuple(
            f"{_CONTAINERS}/blobs/{verb}"
            for verb in ("delete", "read", "write", "move/action", "add/action")
        ),
    ),
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": Role(
        "Storage Blob Data Owner",
        (f"{_CONTAINERS}/*", f"{_BLOBS}/generateUserDelegationKey/action"),
        (f"{_CONTAINERS}/blobs/*",),
    ),
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": Role(
        "Storage Queue Data Contributor",
        (f"{_QUEUES}/delete", f"{_QUEUES}/read", f"{_QUEUES}/write"),
        tuple(
            f"{_QUEUES}/messages/{verb}" for verb in ("delete", "read", "write", "process/action")
        ),
    ),
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": Role(
        "Storage Queue Data Message Sender", (), (f"{_QUEUES}/messages/add/action",)
    ),
    "8a0f0c08-91a1-4084-bc3d-661d67233fed": Role(
        "Storage Queue Data Message Processor",
        (),
        (f"{_QUEUES}/messages/read", f"{_QUEUES}/messages/process/action"),
    ),
    "3913510d-42f4-4e42-8a64-420c390055eb": Role(
        "Monitoring Metrics Publisher",
        ("Microsoft.Insights/Register/Action", "Microsoft.Support/*"),
        ("Microsoft.Insights/Metrics/Write", "Microsoft.Insights/Telemetry/Write"),
    ),
    "f1a07417-d97a-45cb-824c-7a7470783830": Role(
        "Managed Identity Operator",
        (
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
            "Microsoft.Authorization/*/read",
            "Microsoft.Insights/alertRules/*",
            "Microsoft.Resources/subscriptions/resourceGroups/read",
            "Microsoft.Resources/deployments/*",
            "Microsoft.Support/*",
        ),
        (),
    ),
    "4633458b-17de-408a-b874-0445c86b69e6": Role(
        "Key Vault Secrets User",
        (),
        (
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        ),
    ),
}
