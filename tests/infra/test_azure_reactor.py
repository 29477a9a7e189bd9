"""The reactor on Azure: two homes without keys, roles that reach no further than they must, the plan published last."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi_azure_native import resources

from infra.azure import pool as azure_pool
from infra.azure import roles
from infra.azure.reactor import Reactor
from infra.cells import CellArgs
from infra.package import package_file
from infra.reactors import DeclaredGroup, Notices, ReactorArgs
from infra.settings import read_settings
from tests.infra import plans
from tests.infra.declared import OWNER, SSH_KEY, Declared, recording

HOMES = ("eastus", "westus2")
CELLS = (*HOMES, "northeurope")
ROLE = "/providers/Microsoft.Authorization/roleDefinitions/"


def cell(region: str) -> str:
    return f"/subscriptions/s/resourceGroups/azure-{region}"


def declare(package: Path, *, homes: tuple[str, ...] = HOMES, **reactor: Any) -> Declared:
    """A reactor with a group in each cell, and the order in which the program registers."""

    def program() -> None:
        settings = read_settings(
            {"reactor": reactor, "azure": {"admin_ssh_key": SSH_KEY}}, {"azure"}
        )
        made = Reactor("azure-reactor", ReactorArgs(OWNER, settings, homes, CELLS, package))
        groups = [
            DeclaredGroup(
                f"pool-{region}",
                pulumi.Output.from_input(
                    f"{cell(region)}/providers/Microsoft.Compute/virtualMachineScaleSets/p"
                ),
                region,
            )
            for region in CELLS
        ]
        last = resources.ResourceGroup("last")
        made.publish(groups, lambda ids, _: json.dumps(dict(ids)), addresses={}, after=[last])

    return Declared(tuple(recording(program)), "")


@pytest.fixture(scope="module")
def two_homes() -> Declared:
    return declare(package_file("azure"))


def assignments(declared: Declared, principal: str) -> set[tuple[str, str]]:
    """Role (a built-in's UUID, or the id of one of ours) and scope."""
    return {
        (each.inputs["roleDefinitionId"].rsplit(ROLE, 1)[-1], each.inputs["scope"])
        for each in declared.of("RoleAssignment")
        if each.inputs["principalId"] == f"principal of {principal}"
    }


def settings_of(declared: Declared, app: str) -> dict[str, str]:
    config = declared.one("WebApp", app).inputs["siteConfig"]
    return {each["name"]: each["value"] for each in config["appSettings"]}


def test_each_home_has_function_store_queue_log_and_identity(two_homes: Declared) -> None:
    for kind in ("WebApp", "AppServicePlan", "StorageAccount", "Workspace", "Component"):
        assert sorted(each.inputs["location"] for each in two_homes.of(kind)) == sorted(HOMES)
    queues = [each.inputs["queueName"] for each in two_homes.of("Queue")]
    assert sorted(queues) == ["notices", "notices", "notices-poison", "notices-poison"]


def test_no_account_takes_a_key_or_an_anonymous_caller(two_homes: Declared) -> None:
    for account in two_homes.of("StorageAccount"):
        assert account.inputs["allowSharedKeyAccess"] is False
        assert account.inputs["allowBlobPublicAccess"] is False
        assert account.inputs["enableHttpsTrafficOnly"] is True
        assert account.name.isalnum()
        assert len(account.name) <= 16
    for component in two_homes.of("Component"):
        assert component.inputs["disableLocalAuth"] is True


def test_the_app_is_ready_for_notices_and_nobody_calls_it(two_homes: Declared) -> None:
    for app in two_homes.of("WebApp"):
        scale = app.inputs["functionAppConfig"]["scaleAndConcurrency"]
        assert scale["alwaysReady"] == [{"name": "function:notices", "instanceCount": 1}]
        assert app.inputs["publicNetworkAccess"] == "Disabled"
        assert app.inputs["functionAppConfig"]["runtime"]["name"] == "python"


def test_the_package_lies_where_the_app_looks_and_another_makes_another_container(
    two_homes: Declared, tmp_path: Path
) -> None:
    def containers(declared: Declared) -> set[str]:
        return {
            app.inputs["functionAppConfig"]["deployment"]["storage"]["value"].rsplit("/", 1)[-1]
            for app in declared.of("WebApp")
        }

    other = tmp_path / "other.zip"
    other.write_bytes(b"other")
    (used,) = containers(two_homes)
    uploads = [b for b in two_homes.of("Blob") if b.inputs["blobName"] == "released-package.zip"]
    assert {blob.inputs["containerName"] for blob in uploads} == {
        f"azure-reactor-{home}-{used}-0000000" for home in HOMES
    }
    assert {c.inputs["containerName"] for c in two_homes.of("BlobContainer")} == {"plan", used}
    assert containers(declare(other)) != {used}


def test_settings_name_every_store_and_hold_no_secret(two_homes: Declared) -> None:
    settings = settings_of(two_homes, "azure-reactor-eastus")
    assert settings["SKYBLEND_STORES"].count(".blob.core.windows.net/") == 2
    assert settings["SKYBLEND_STORES"].startswith("https://testeastus")
    assert settings["SKYBLEND_STACK"] == "test"
    assert (
        settings["NOTICES__queueServiceUri"] == "https://testeastus-0000000.queue.core.windows.net"
    )
    assert not {"AzureWebJobsStorage", "SKYBLEND_DISPATCH_TOKEN"} & settings.keys()


def test_the_token_for_the_slow_path_is_a_reference(tmp_path: Path) -> None:
    uri = "https://vault.example/secrets/token"
    dispatch = {"kind": "github", "url": "https://api.example", "token_secret": {"azure": uri}}
    found = declare(package_file("azure"), dispatch=dispatch)
    settings = settings_of(found, "azure-reactor-eastus")
    assert settings["SKYBLEND_DISPATCH_TOKEN"] == f"@Microsoft.KeyVault(SecretUri={uri})"


def test_our_role_reads_and_sizes_scale_sets_and_joins_what_their_machines_join(
    two_homes: Declared,
) -> None:
    for role in two_homes.of("RoleDefinition"):
        (permission,) = role.inputs["permissions"]
        assert permission == {"actions": list(roles.SIZE_ACTIONS)}
        assert role.inputs["assignableScopes"] == [role.inputs["scope"]]
    scopes = {role.inputs["scope"] for role in two_homes.of("RoleDefinition")}
    assert scopes == {cell(region) for region in CELLS}


def test_a_function_has_rights_on_its_own_the_cells_and_the_other_plan_and_nowhere_else(
    two_homes: Declared,
) -> None:
    held = assignments(two_homes, "azure-reactor-eastus")
    account = "azure-native:storage:StorageAccount/testeastus"
    sizes = {
        (f"azure-native:authorization:RoleDefinition/azure-reactor-sizes-{r}", cell(r))
        for r in CELLS
    }
    assert held == sizes | {
        (roles.BLOB_OWNER, account),
        (roles.QUEUE_CONTRIBUTOR, account),
        (
            roles.METRICS_PUBLISHER,
            "azure-native:applicationinsights:Component/azure-reactor-eastus",
        ),
        (
            roles.IDENTITY_OPERATOR,
            "azure-native:managedidentity:UserAssignedIdentity/azure-reactor-machines",
        ),
        (roles.BLOB_CONTRIBUTOR, "azure-native:storage:BlobContainer/azure-reactor-westus2-plan"),
    }


@pytest.mark.parametrize("who", ["azure-reactor-machines", "azure-reactor-events"])
def test_machines_and_event_grid_may_add_to_the_notices_queues_and_nothing_else(
    two_homes: Declared, who: str
) -> None:
    queues = {f"azure-native:storage:Queue/azure-reactor-{home}" for home in HOMES}
    assert assignments(two_homes, who) == {(roles.QUEUE_SENDER, queue) for queue in queues}


def test_azures_events_go_into_the_queues_and_old_ones_nowhere(two_homes: Declared) -> None:
    found = {each.name: each.inputs for each in two_homes.of("SystemTopicEventSubscription")}
    assert found.keys() == {
        f"azure-reactor-{part}{home}" for part in ("", "health-") for home in HOMES
    }
    for name, inputs in found.items():
        to = inputs["deliveryWithResourceIdentity"]["destination"]
        assert (to["endpointType"], to["queueName"]) == ("StorageQueue", "notices")
        assert to["resourceId"].endswith(name.rsplit("-", 1)[-1])
        assert inputs["retryPolicy"] == {"maxDeliveryAttempts": 5, "eventTimeToLiveInMinutes": 5}
    plan = found["azure-reactor-eastus"]["filter"]
    assert plan["subjectBeginsWith"].endswith("/containers/plan/blobs/plan.json")
    (ours,) = found["azure-reactor-health-eastus"]["filter"]["advancedFilters"]
    assert ours["values"] == [cell(region) for region in sorted(CELLS)]


def test_a_person_hears_of_failures_poison_and_silence(two_homes: Declared) -> None:
    names = {each.name.rsplit("-", 1)[-1] for each in two_homes.of("ScheduledQueryRule")}
    assert names == {"failing", "poison", "silent"}
    assert {each.inputs["retentionInDays"] for each in two_homes.of("Workspace")} == {30}


def test_the_plan_is_published_to_every_store_after_everything_else(two_homes: Declared) -> None:
    plans_ = [b for b in two_homes.of("Blob") if b.inputs["blobName"] == "plan.json"]
    assert len(plans_) == 2
    order = [(each.type, each.name) for each in two_homes.resources]
    for blob in plans_:
        text = blob.inputs["source"]["text"]
        assert json.loads(text).keys() == {f"pool-{region}" for region in CELLS}
        before = " ".join(blob.depends_on)
        for kind, name in (("ResourceGroup", "last"), ("WebApp", "azure-reactor-westus2"),
                           ("SystemTopicEventSubscription", "azure-reactor-eastus"),
                           ("RoleAssignment", "azure-reactor-eastus-sizes-northeurope")):  # fmt: skip
            assert f":{kind}::{name}" in before, before
    assert order[-2:] == [(b.type, b.name) for b in plans_]


def test_one_region_gets_one_home(tmp_path: Path) -> None:
    found = declare(package_file("azure"), homes=("eastus",))
    assert len(found.of("WebApp")) == 1
    assert roles.BLOB_CONTRIBUTOR not in {
        role for role, _ in assignments(found, "azure-reactor-eastus")
    }


def test_everything_that_can_carry_the_owners_tags_does(two_homes: Declared) -> None:
    without = {
        "RoleAssignment",
        "RoleDefinition",
        "BlobContainer",
        "Queue",
        "Blob",
        "SystemTopicEventSubscription",
    }
    for each in two_homes.resources:
        kind = each.type.rsplit(":", 1)[-1]
        if each.type.startswith("azure-native:") and kind not in without and each.name != "last":
            assert each.inputs["tags"] == OWNER.tags(), each.name


def test_machines_act_as_their_identity_and_know_the_queues() -> None:
    def program() -> None:
        settings = read_settings({"azure": {"admin_ssh_key": SSH_KEY}}, {"azure"})
        pool = plans.pool(plans.AZURE)
        nothing = pulumi.Output.from_input("id")
        notices = Notices(pulumi.Output.from_input("https://a/notices,https://b/notices"), nothing)
        cell_args = CellArgs(
            plans.AZURE, (pool,), plans.plan().decisions.engine, OWNER, settings, notices
        )
        azure_pool.Pool("pool", azure_pool.PoolArgs(pool, cell_args, nothing, nothing, nothing))

    for scale_set in Declared(tuple(recording(program)), "").of("VirtualMachineScaleSet"):
        assert scale_set.inputs["identity"] == {
            "type": "UserAssigned",
            "userAssignedIdentities": ["id"],
        }
        data = scale_set.inputs["virtualMachineProfile"]["osProfile"]["customData"]
        document = yaml.safe_load(base64.b64decode(data))
        env = next(f["content"] for f in document["write_files"] if f["path"].endswith(".env"))
        assert 'SKYBLEND_NOTICE_URL="https://a/notices,https://b/notices"' in env
