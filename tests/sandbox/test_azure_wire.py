"""Azure over HTTPS, asked by Microsoft's own clients: scale sets, machines, blobs; and what each caller may not do."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.mgmt.compute import ComputeManagementClient

from sandbox import bus, faults
from sandbox.azure.machines import HEALTH
from sandbox.machines import MACHINE, machines_of, quota_name
from sandbox.preempt import take
from tests.sandbox.azure_cloud import SCALE_SET, Cloud, ask, blobs, served, until
from tests.sandbox.azure_samples import ACCOUNT, GROUP, T4

API = "2024-11-01"
NODES = f"{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/nodes"
QUEUE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/letters/queueServices/default/queues/notices"


@pytest.fixture
def cloud(tmp_path) -> Iterator[Cloud]:
    with served(tmp_path) as made:
        yield made


@pytest.fixture
def compute(cloud: Cloud) -> ComputeManagementClient:
    return ComputeManagementClient(
        cloud.credential(),
        ACCOUNT,
        base_url=cloud.url,
        connection_verify=cloud.ca,
        polling_interval=0,
    )


def resized(compute: ComputeManagementClient, capacity: int) -> Any:
    sku = {"sku": {"name": T4, "tier": "Standard", "capacity": capacity}}
    return compute.virtual_machine_scale_sets.begin_update("group", "nodes", sku)


def test_a_client_reads_sets_machines_and_their_states(
    cloud: Cloud, compute: ComputeManagementClient
) -> None:
    (found,) = compute.virtual_machine_scale_sets.list("group")
    assert (found.name, found.sku.capacity, found.tags) == ("nodes", 2, {"stack": "test"})
    assert found.provisioning_state == "Updating"
    members = list(
        compute.virtual_machines.list(
            "group", filter=f"'virtualMachineScaleSet/id' eq '{NODES}'", expand="instanceView"
        )
    )
    assert {m.provisioning_state for m in members} == {"Creating"}
    assert {m.priority for m in members} == {"Spot"}
    cloud.world.clock.run(1000)
    until(
        lambda: (
            compute.virtual_machine_scale_sets.get("group", "nodes").provisioning_state
            == "Succeeded"
        )
    )
    members = list(
        compute.virtual_machines.list(
            "group", filter=f"'virtualMachineScaleSet/id' eq '{NODES}'", expand="instanceView"
        )
    )
    assert {m.instance_view.statuses[0].code for m in members} == {"PowerState/running"}
    assert compute.virtual_machines.get("group", members[0].name).vm_id == members[0].vm_id


def test_a_client_resizes_a_set_and_waits_for_it(
    cloud: Cloud, compute: ComputeManagementClient
) -> None:
    poller = resized(compute, 4)
    assert cloud.fresh(cloud.made[SCALE_SET]).body["sku"]["capacity"] == 4
    cloud.world.clock.run(1000)
    assert poller.result(20).sku.capacity == 4
    assert len(machines_of(cloud.world, cloud.made[SCALE_SET])) == 4
    assert resized(compute, 1).result(20).sku.capacity == 1
    assert len(machines_of(cloud.world, cloud.made[SCALE_SET])) == 1


def test_no_stock_at_all_is_said_at_once_and_changes_nothing(
    cloud: Cloud, compute: ComputeManagementClient
) -> None:
    cloud.world.set_setting("stock", "3")
    with pytest.raises(ResourceExistsError) as said:
        resized(compute, 4)
    assert said.value.error.code == "SkuNotAvailable"
    assert cloud.fresh(cloud.made[SCALE_SET]).body["sku"]["capacity"] == 2


def test_no_quota_at_all_is_said_at_once(cloud: Cloud, compute: ComputeManagementClient) -> None:
    cloud.world.set_setting(quota_name("azure", "eastus", "lowPriorityCores"), "12")
    with pytest.raises(ResourceExistsError) as said:
        resized(compute, 4)
    assert said.value.error.code == "OperationNotAllowed"
    assert "LowPriorityCores" in said.value.message


def test_what_is_had_only_in_part_fails_later_and_keeps_the_capacity_asked_for(
    cloud: Cloud, compute: ComputeManagementClient
) -> None:
    cloud.world.set_setting("stock", "5")
    poller = resized(compute, 6)
    with pytest.raises(HttpResponseError) as said:
        poller.result(20)
    assert said.value.error.code == "AllocationFailed"
    found = compute.virtual_machine_scale_sets.get("group", "nodes")
    assert (found.sku.capacity, found.provisioning_state) == (6, "Failed")
    assert len(machines_of(cloud.world, cloud.made[SCALE_SET])) == 4
    (status,) = compute.virtual_machine_scale_sets.get_instance_view("group", "nodes").statuses
    assert (status.code, status.time is not None) == ("ProvisioningState/failed", True)


def test_an_evicted_machine_is_gone_for_good(
    cloud: Cloud, compute: ComputeManagementClient
) -> None:
    lost, kept = machines_of(cloud.world, cloud.made[SCALE_SET])
    take(cloud.world, [lost])
    cloud.world.clock.run(1000)
    until(lambda: cloud.world.get("azure", MACHINE, lost.id) is None)
    assert [m.id for m in machines_of(cloud.world, cloud.made[SCALE_SET])] == [kept.id]
    assert compute.virtual_machine_scale_sets.get("group", "nodes").sku.capacity == 2


def test_a_stale_if_match_changes_nothing(cloud: Cloud, compute: ComputeManagementClient) -> None:
    tag = compute.virtual_machine_scale_sets.get("group", "nodes").etag
    resized(compute, 3)
    with pytest.raises(ResourceModifiedError):
        compute.virtual_machine_scale_sets.begin_update(
            "group",
            "nodes",
            {"sku": {"name": T4, "capacity": 4}},
            etag=tag,
            match_condition=MatchConditions.IfNotModified,
        )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "InvalidRequestContent"),
        (b'{"sku": {"name": 7}}', "InvalidParameter"),
        (b'{"colour": 1}', "InvalidRequestContent"),
        (b'{"sku": {"capacity": 1001}}', "InvalidParameter"),
    ],
)
def test_a_body_that_the_vendors_model_does_not_know_is_refused(
    cloud: Cloud, body: bytes, code: str
) -> None:
    assert ask(cloud, "PATCH", f"{NODES}?api-version={API}", body=body) == (400, code)


def test_what_does_not_exist_is_not_found(cloud: Cloud, compute: ComputeManagementClient) -> None:
    with pytest.raises(ResourceNotFoundError) as said:
        compute.virtual_machine_scale_sets.get("group", "other")
    assert said.value.error.code == "ResourceNotFound"


def test_blobs_are_written_under_a_condition_and_read_back(cloud: Cloud) -> None:
    state = blobs(cloud).get_blob_client("state.json")
    tag = state.upload_blob(b"one")["etag"]
    with pytest.raises(ResourceExistsError) as said:
        state.upload_blob(b"two")
    assert said.value.error_code == "BlobAlreadyExists"
    state.upload_blob(
        b"three", overwrite=True, etag=tag, match_condition=MatchConditions.IfNotModified
    )
    with pytest.raises(ResourceModifiedError) as stale:
        state.upload_blob(
            b"four", overwrite=True, etag=tag, match_condition=MatchConditions.IfNotModified
        )
    assert stale.value.error_code == "ConditionNotMet"
    assert state.download_blob().readall() == b"three"
    state.delete_blob()
    with pytest.raises(ResourceNotFoundError) as gone:
        state.download_blob()
    assert gone.value.error_code == "BlobNotFound"


def test_faults_are_azures_own(cloud: Cloud) -> None:
    cloud.world.set_setting("fault/azure/errors", "1")
    assert ask(cloud, "GET", f"{NODES}?api-version={API}") == (500, "InternalServerError")
    faults.none(cloud.world)
    cloud.world.set_setting("fault/azure/throttles", "1")
    assert ask(cloud, "GET", f"{NODES}?api-version={API}") == (429, "TooManyRequests")
    queue = "https://letters.queue.core.windows.net/notices/messages"
    assert ask(cloud, "POST", queue, body=b"x") == (503, "ServerBusy")


def test_a_dead_region_takes_its_sets_and_its_accounts_with_it(cloud: Cloud) -> None:
    cloud.world.set_setting("fault/azure/dead/eastus", "1")
    for url in (
        f"{NODES}?api-version={API}",
        "https://letters.queue.core.windows.net/notices/messages",
    ):
        with pytest.raises((OSError, urllib.error.URLError)):
            ask(cloud, "GET", url)


def test_after_an_eviction_azure_says_so_to_who_asked_to_be_told(cloud: Cloud) -> None:
    (lost, _) = machines_of(cloud.world, cloud.made[SCALE_SET])
    posted: list[str] = []
    real = bus.post
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "sandbox.azure.machines.post",
            lambda world, event: (posted.append(event.kind), real(world, event)),
        )
        take(cloud.world, [lost])
        cloud.world.clock.run(1000)
        until(lambda: f"{HEALTH}.ResourceAnnotated" in posted)
    assert f"{HEALTH}.ResourceAnnotated" in posted
