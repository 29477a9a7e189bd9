"""What each identity may not do on Azure: other calls, other people's resources, other services' tokens."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from azure.core.exceptions import HttpResponseError

from sandbox.clouds import context
from tests.sandbox.azure_cloud import (
    QUEUE_SENDER,
    THEIRS,
    Cloud,
    another_identity,
    ask,
    blobs,
    grant,
    served,
)
from tests.sandbox.azure_samples import ACCOUNT, GROUP, T4

API = "2024-11-01"
NODES = f"{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/nodes"
QUEUE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/letters/queueServices/default/queues/notices"


@pytest.fixture
def cloud(tmp_path) -> Iterator[Cloud]:
    with served(tmp_path) as made:
        yield made


OTHER_CALLS = [
    ("DELETE", NODES),
    ("POST", f"{NODES}/deallocate"),
    ("POST", f"{NODES}/delete"),
    ("GET", f"{NODES}/extensions"),
    ("GET", f"{NODES}/virtualMachines"),
    ("DELETE", f"{GROUP}/providers/Microsoft.Compute/virtualMachines/nodes_1"),
    ("PUT", f"{GROUP}/providers/Microsoft.Compute/virtualMachines/mine"),
    ("GET", f"{GROUP}/providers/Microsoft.Network/virtualNetworks/net"),
    ("PUT", f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/wall"),
    ("POST", f"{GROUP}/providers/Microsoft.Storage/storageAccounts/letters/listKeys"),
    ("PUT", f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/mine"),
    ("GET", f"{THEIRS}/providers/Microsoft.Compute/virtualMachineScaleSets"),
    ("GET", f"{THEIRS}/providers/Microsoft.Compute/virtualMachines"),
    ("GET", f"{THEIRS}/providers/Microsoft.Compute/virtualMachineScaleSets/theirs"),
    ("PATCH", f"{THEIRS}/providers/Microsoft.Compute/virtualMachineScaleSets/theirs"),
    ("GET", f"/subscriptions/{ACCOUNT}/resourceGroups"),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Cloud]:
    with served(tmp_path_factory.mktemp("azure")) as made:
        yield made


@pytest.mark.parametrize(("method", "url"), OTHER_CALLS)
def test_a_resizer_may_do_nothing_else_and_nothing_to_others(
    shared: Cloud, method: str, url: str
) -> None:
    body = b"{}" if method in ("PUT", "PATCH", "POST") else b""
    assert ask(shared, method, f"{url}?api-version={API}", body=body) == (
        403,
        "AuthorizationFailed",
    )


def test_whoever_may_size_but_not_join_what_machines_join_sizes_nothing(cloud: Cloud) -> None:
    role = cloud.fresh(cloud.made["azure-native:authorization:RoleDefinition"])
    actions = role.body["properties"]["permissions"][0]["actions"]
    role.body["properties"]["permissions"] = [{"actions": [a for a in actions if "join" not in a]}]
    cloud.world.put(role)
    body = json.dumps({"sku": {"name": T4, "capacity": 3}}).encode()
    assert ask(cloud, "PATCH", f"{NODES}?api-version={API}", body=body) == (
        403,
        "LinkedAuthorizationFailed",
    )


def test_a_token_of_nobody_or_for_another_service_is_refused(shared: Cloud) -> None:
    storage = shared.credential().get_token("https://storage.azure.com/.default").token
    for token in ("invented", storage):
        assert ask(
            shared, "GET", f"{NODES}?api-version={API}", Authorization=f"Bearer {token}"
        ) == (401, "AuthenticationFailed")


def test_another_identity_reads_and_writes_no_blob_and_no_queue(cloud: Cloud) -> None:
    stranger = another_identity(cloud.world, "stranger").live["principalId"]
    with pytest.raises(HttpResponseError) as said:
        blobs(cloud, stranger).get_blob_client("plan.json").download_blob()
    assert said.value.error_code == "AuthorizationPermissionMismatch"
    told = ask(
        cloud,
        "POST",
        "https://letters.queue.core.windows.net/notices/messages",
        stranger,
        b"<QueueMessage><MessageText>e30=</MessageText></QueueMessage>",
    )
    assert told == (403, "AuthorizationPermissionMismatch")


def test_a_machines_identity_adds_messages_and_can_do_nothing_else(cloud: Cloud) -> None:
    machine = another_identity(cloud.world, "machine")
    grant(context(cloud.world, "azure", "eastus"), machine, QUEUE_SENDER, QUEUE, 9)
    who = machine.live["principalId"]
    queue = "https://letters.queue.core.windows.net/notices/messages"
    body = (
        b"<QueueMessage><MessageText>"
        + base64.b64encode(b"hello")
        + b"</MessageText></QueueMessage>"
    )
    assert ask(cloud, "POST", queue, who, body) == (201, "")
    assert ask(cloud, "GET", queue, who)[0] in (403, 405)
    assert ask(cloud, "POST", queue.replace("notices", "other"), who, body)[0] == 403
    assert ask(cloud, "PATCH", f"{NODES}?api-version={API}", who, b"{}") == (
        403,
        "AuthorizationFailed",
    )
    with pytest.raises(HttpResponseError):
        blobs(cloud, who).get_blob_client("plan.json").download_blob()
