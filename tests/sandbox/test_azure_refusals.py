"""What Azure refuses of identities, storage, apps, events and monitoring, and what it keeps while it is in use."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from sandbox import objects
from sandbox.kind import Context
from sandbox.refusal import Refusal
from tests.sandbox.azure_samples import ACCOUNT, GROUP, ROWS, SAMPLES, account, create, everything

NATIVE = "azure-native:"


@pytest.fixture
def ctx(tmp_path) -> Context:
    made = account(tmp_path)
    everything(made)
    return made


def changed(token: str, path: str, value: Any) -> dict[str, Any]:
    """A sample with one value exchanged, left out where it is None; every name is new."""
    inputs = copy.deepcopy(SAMPLES[token])
    name = ROWS[token].autoname.field  # type: ignore[union-attr]
    inputs[name] = f"{inputs[name]}2"
    *outer, last = path.split(".")
    at = inputs
    for step in outer:
        at = at[step]
    at[last] = value
    if value is None:
        del at[last]
    return inputs


@pytest.mark.parametrize(
    ("token", "path", "value", "says"),
    [
        ("storage:StorageAccount", "accountName", "Not-Valid", "AccountNameInvalid"),
        ("storage:StorageAccount", "accountName", "letters", "already taken"),
        ("storage:StorageAccount", "kind", "BlockBlobStorage", "does not go with sku"),
        ("storage:BlobContainer", "containerName", "UPPER", "InvalidResourceName"),
        ("storage:Queue", "queueName", "a--b", "InvalidResourceName"),
        ("storage:Queue", "accountName", "nobody", "ParentResourceNotFound"),
        ("storage:Blob", "containerName", "missing", "ContainerNotFound"),
        ("storage:Blob", "type", "Append", "takes no source"),
        ("authorization:RoleAssignment", "principalId", "nobody", "PrincipalNotFound"),
        ("authorization:RoleAssignment", "roleDefinitionId", "/x/none", "RoleDefinitionDoesNotExist"),
        ("authorization:RoleAssignment", "scope", f"/subscriptions/{ACCOUNT}", "RoleNotAssignableAtScope"),
        ("authorization:RoleDefinition", "permissions", [{"actions": ["read"]}], "InvalidActionOrNotAction"),
        ("authorization:RoleDefinition", "assignableScopes", [], "AssignableScopesEmpty"),
        ("authorization:RoleDefinition", "scope", f"{GROUP}9", "was not found"),
        ("web:AppServicePlan", "reserved", False, "for Linux"),
        ("web:WebApp", "functionAppConfig", None, "and they need it"),
        ("web:WebApp", "serverFarmId", "/none", "Server farm '/none' was not found"),
        ("web:WebApp", "name", "app", "already exist"),
        ("web:WebApp", "siteConfig.appSettings", [{"name": "FUNCTIONS_WORKER_RUNTIME"}], "is invalid"),
        ("web:WebApp", "functionAppConfig.scaleAndConcurrency.instanceMemoryMB", 100, "not one of"),
        ("eventgrid:SystemTopic", "topicType", "Microsoft.Storage.StorageAccounts", "Only one system topic"),
        ("eventgrid:SystemTopic", "location", "westus", "in the location of its source"),
        ("eventgrid:SystemTopic", "source", f"{GROUP}/providers/Microsoft.Storage/storageAccounts/no", "does not exist"),
        ("eventgrid:SystemTopicEventSubscription", "deliveryWithResourceIdentity", None, "either a destination or"),
        ("eventgrid:SystemTopicEventSubscription", "deliveryWithResourceIdentity.destination.queueName", "no", "does not exist"),
        ("eventgrid:SystemTopicEventSubscription", "retryPolicy.maxDeliveryAttempts", 31, "between 1 and 30"),
        ("operationalinsights:Workspace", "retentionInDays", 7, "between 30 and 730"),
        ("monitor:ScheduledQueryRule", "scopes", None, "'scopes' not found"),
    ],
)  # fmt: skip
def test_azure_says_no_with_its_reason(
    ctx: Context, token: str, path: str, value: Any, says: str
) -> None:
    with pytest.raises(Refusal, match=says):
        create(ctx, NATIVE + token, changed(NATIVE + token, path, value))


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("web:AppServicePlan", "cannot be deleted"),
        ("authorization:RoleDefinition", "HasAssignments"),
    ],
)
def test_what_others_stand_on_is_not_deleted(ctx: Context, token: str, code: str) -> None:
    kind = ROWS[NATIVE + token]
    [record] = ctx.world.all("azure", kind.name)
    with pytest.raises(Refusal, match=code):
        kind.delete(ctx, record)


@pytest.mark.parametrize("token", ["storage:BlobContainer", "storage:StorageAccount"])
def test_a_container_and_an_account_take_their_blobs_with_them(ctx: Context, token: str) -> None:
    assert objects.listed(ctx.world, "azure", "letters/plan")
    kind = ROWS[NATIVE + token]
    [record] = ctx.world.all("azure", kind.name)
    kind.delete(ctx, record)
    assert objects.listed(ctx.world, "azure", "letters/plan") == []


def test_a_blobs_content_is_what_was_uploaded_and_its_events_name_it(ctx: Context) -> None:
    [blob] = objects.listed(ctx.world, "azure", "letters/plan")
    assert (blob.name, blob.body) == ("plan.json", b"{}")
