"""Every reviewed row of the emulated Azure, over rich samples and the vendor's own models."""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.azure import vendor
from sandbox.fields import UNKNOWN, Json
from sandbox.kind import CREATE, UPDATE, Context, Request
from sandbox.refusal import Refusal, Unmapped
from tests.sandbox.azure_samples import ROWS, SAMPLES, account, create, everything

MODELLED = [token for token in SAMPLES if ROWS[token].name in vendor.MODELS]
SITES = [
    (token, path, member)
    for token in MODELLED
    for path, member in vendor.sites(vendor.MODELS[ROWS[token].name], ROWS[token].body(SAMPLES[token]))
]  # fmt: skip


def title(value: Any) -> str | None:
    return ".".join(map(str, value)) if isinstance(value, tuple) else None


@pytest.fixture
def ctx(tmp_path) -> Context:
    return account(tmp_path)


def request(token: str) -> tuple[str, Json]:
    return ROWS[token].name, copy.deepcopy(ROWS[token].body(SAMPLES[token]))


def at(body: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        body = body[step]
    return body


def test_every_row_has_a_sample():
    assert SAMPLES.keys() == ROWS.keys()


@pytest.mark.parametrize("token", SAMPLES)
def test_what_is_read_back_is_what_was_given(ctx: Context, token: str):
    record = everything(ctx)[token]
    read = ROWS[token].inputs(ctx, record)
    assert read == SAMPLES[token] | {k: read[k] for k in read if k == "principalId"}
    outputs = ROWS[token].outputs(ctx, record).keys()
    assert outputs - SAMPLES[token].keys() == set(ROWS[token].computed)


@pytest.mark.parametrize(
    ("token", "path"), [(t, p) for t, p, member in SITES if member.required], ids=title
)
def test_a_required_member_left_out_is_refused_by_name(token: str, path: tuple[Any, ...]):
    operation, body = request(token)
    del at(body, path[:-1])[path[-1]]
    with pytest.raises(Refusal, match=rf"Required parameter '.*{path[-1]}' is missing"):
        vendor.check(Request(operation, body))


@pytest.mark.parametrize(
    ("token", "path"), [(t, p) for t, p, member in SITES if member.words], ids=title
)
def test_a_misspelt_word_is_refused_with_the_words_that_are_allowed(
    token: str, path: tuple[Any, ...]
):
    operation, body = request(token)
    holder, last = at(body, path[:-1]), path[-1]
    right = holder[last]
    holder[last] = [f"{right[0]}x"] if isinstance(right, list) else f"{right}x"
    with pytest.raises(Refusal, match=rf"{last}.* is not allowed. Allowed values are: .*"):
        vendor.check(Request(operation, body))


@pytest.mark.parametrize(
    ("token", "path"),
    [(t, p) for t, p, member in SITES if member.model or member.plain or member.words],
    ids=title,
)
def test_a_value_of_another_type_is_refused(token: str, path: tuple[Any, ...]):
    operation, body = request(token)
    at(body, path[:-1])[path[-1]] = {"not": "this"}
    with pytest.raises(Refusal):
        vendor.check(Request(operation, body))


@pytest.mark.parametrize("token", MODELLED)
def test_an_unknown_member_is_refused_and_an_unknown_value_passes(token: str):
    operation, body = request(token)
    vendor.check(Request(operation, dict.fromkeys(body, UNKNOWN)))
    with pytest.raises(Refusal, match="Could not find member 'colour'"):
        vendor.check(Request(operation, body | {"colour": "red"}))


@pytest.mark.parametrize("token", SAMPLES)
def test_preview_passes_with_everything_unknown(ctx: Context, token: str):
    kind = ROWS[token]
    kept = {*kind.provider_only, "location", "sku"}
    inputs = {k: v if k in kept else UNKNOWN for k, v in SAMPLES[token].items()}
    for verb in (CREATE, UPDATE):
        kind.check(ctx, kind.body(inputs), verb)


@pytest.mark.parametrize("token", SAMPLES)
def test_preview_passes_with_any_one_input_unknown(ctx: Context, token: str):
    kind = ROWS[token]
    for path in paths(SAMPLES[token]):
        if path[0] in kind.provider_only:
            continue
        inputs = copy.deepcopy(SAMPLES[token])
        at(inputs, path[:-1])[path[-1]] = UNKNOWN
        for verb in (CREATE, UPDATE):
            kind.check(ctx, kind.body(inputs), verb)


def paths(value: Any) -> Iterator[tuple[Any, ...]]:
    """Where every value in some inputs stands."""
    if not isinstance(value, dict | list):
        return
    for step, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield (step,)
        yield from ((step, *path) for path in paths(item))


def test_a_location_left_out_is_the_resource_groups(ctx: Context):
    token = "azure-native:compute:VirtualMachineScaleSet"
    everything(ctx)
    inputs = {k: v for k, v in SAMPLES[token].items() if k != "location"}
    record = create(ctx, token, inputs | {"vmScaleSetName": "second"})
    assert record.region == "eastus"
    assert "location" not in ROWS[token].inputs(ctx, record)


def test_free_form_objects_are_read_back_as_they_were_given(ctx: Context):
    token = "azure-native:network:NatGateway"
    tags = {"properties": "of tags", "id": "mine"}
    everything(ctx)
    inputs = {"resourceGroupName": "group", "natGatewayName": "other", "tags": tags}
    assert ROWS[token].inputs(ctx, create(ctx, token, inputs)) == inputs


def test_parts_of_a_balancer_come_with_their_ids(ctx: Context):
    token = "azure-native:network:LoadBalancer"
    record = everything(ctx)[token]
    (pool,) = ROWS[token].outputs(ctx, record)["backendAddressPools"]
    assert pool == {"name": "main", "id": f"{record.id}/backendAddressPools/main"}


@pytest.mark.parametrize("token", SAMPLES)
def test_an_input_that_the_api_does_not_have_is_unmapped(token: str):
    with pytest.raises(Unmapped, match="colour"):
        ROWS[token].body(SAMPLES[token] | {"colour": "red"})


@pytest.mark.parametrize("token", SAMPLES)
def test_every_input_of_the_sdks_class_has_a_place(token: str):
    kind = ROWS[token]
    _, module, name = token.split(":")
    resource = getattr(importlib.import_module(f"pulumi_azure_native.{module}"), name)
    parameters = set(inspect.signature(resource._internal_init).parameters)
    snake = parameters - {"__self__", "resource_name", "opts", "__props__", "id", "type", "name"}
    camel = {_wire_name(word) for word in snake} - kind.provider_only
    unmapped = set()
    for word in camel:
        try:
            kind.body({word: UNKNOWN})
        except Unmapped:
            unmapped.add(word)
    assert not unmapped


def _wire_name(word: str) -> str:
    """azure-native's spelling of an input: as ARM has it, in camelCase."""
    first, *rest = word.split("_")
    return SPELLINGS.get(word) or first + "".join(part.capitalize() for part in rest)


SPELLINGS = {
    "frontend_ip_configurations": "frontendIPConfigurations",
    "public_ip_address_version": "publicIPAddressVersion",
    "public_ip_allocation_method": "publicIPAllocationMethod",
    "public_ip_prefix": "publicIPPrefix",
    "service_public_ip_address": "servicePublicIPAddress",
    "linked_public_ip_address": "linkedPublicIPAddress",
    "application_gateway_ip_configurations": "applicationGatewayIPConfigurations",
    "private_endpoint_v_net_policies": "privateEndpointVNetPolicies",
    "do_not_run_extensions_on_overprovisioned_vms": "doNotRunExtensionsOnOverprovisionedVMs",
}


def test_two_resources_of_one_id_are_refused(ctx: Context):
    everything(ctx)
    with pytest.raises(Refusal, match="already existing resource"):
        create(ctx, "azure-native:network:NatGateway", SAMPLES["azure-native:network:NatGateway"])
