"""Every reviewed row of the emulated Google Cloud, over rich samples and Google's own model."""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path as Folder
from typing import Any

import pytest

from sandbox.fields import UNKNOWN, Json
from sandbox.gcp import KINDS, vendor
from sandbox.kind import CREATE, Context, Kind, Request
from sandbox.refusal import Refusal
from sandbox.world import Record
from tests.sandbox.gcp_builders import context, create, update
from tests.sandbox.gcp_sample import Sample
from tests.sandbox.gcp_samples import SAMPLES

Created = list[tuple[Sample, Kind, Record]]
Path = tuple[str | int, ...]
ROWS = {kind.token: kind for kind in KINDS}
NOT_MAPPED = {
    "Firewall": {"enableLogging"},
    "RegionInstanceGroupManager": {"params"},
    "RegionInstanceTemplate": {"enableDisplay", "partnerMetadata"},
    "InstanceTemplate": {"enableDisplay", "partnerMetadata"},
}
"""Inputs that only the beta API has, or that are deprecated: refused loudly, as all inputs without a mapping are."""


def titles(sample: Sample) -> str:
    return sample.title


def requests(sample: Sample) -> Iterator[Request]:
    kind = ROWS[sample.token]
    yield from kind.requests(kind.body(copy.deepcopy(sample.inputs)), CREATE)


def places(data: Any) -> Iterator[Path]:
    """The path of everything inside, at any depth."""
    for step in data if isinstance(data, dict) else range(len(data)):
        yield (step,)
        if isinstance(data[step], dict | list):
            yield from ((step, *rest) for rest in places(data[step]))


def changed(data: Json, path: Path, value: object = None) -> Json:
    """The data with one value in it exchanged, or left out where none is given."""
    copied = copy.deepcopy(data)
    *steps, last = path
    at: Any = copied
    for step in steps:
        at = at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return copied


def check(request: Request, path: Path, value: object = None) -> None:
    vendor.check(Request(request.operation, changed(request.params, path, value)))


@pytest.fixture
def ctx(tmp_path: Folder) -> Context:
    return context(tmp_path)


@pytest.fixture
def created(ctx: Context) -> Created:
    rows = [(sample, ROWS[sample.token]) for sample in SAMPLES]
    return [
        (sample, kind, create(ctx, kind, **copy.deepcopy(sample.inputs))) for sample, kind in rows
    ]


def test_every_row_has_a_sample() -> None:
    assert {sample.token for sample in SAMPLES} == ROWS.keys()


def test_what_is_created_reads_back_as_the_inputs_that_made_it(
    ctx: Context, created: Created
) -> None:
    for sample, kind, record in created:
        assert kind.inputs(ctx, record) == sample.inputs, sample.title


def test_outputs_have_the_names_that_preview_leaves_open(ctx: Context, created: Created) -> None:
    for sample, kind, record in created:
        assert kind.outputs(ctx, record).keys() == set(kind.computed), sample.title


def test_an_update_with_the_same_inputs_changes_nothing(ctx: Context, created: Created) -> None:
    for sample, kind, record in created:
        before = copy.deepcopy(record.body)
        update(ctx, kind, record, sample.inputs)
        assert record.body == before, sample.title


@pytest.mark.parametrize("sample", SAMPLES, ids=titles)
def test_a_required_member_left_out_is_refused_by_name(sample: Sample) -> None:
    for request in requests(sample):
        for member in vendor.required_members(request):
            with pytest.raises(Refusal, match="Required field") as refused:
                check(request, member.path)
            assert member.where in refused.value.message


@pytest.mark.parametrize("sample", SAMPLES, ids=titles)
def test_a_misspelt_enum_value_is_refused_with_member_and_value(sample: Sample) -> None:
    for request in requests(sample):
        for member in vendor.enum_members(request):
            with pytest.raises(Refusal, match="Invalid value") as refused:
                check(request, member.path, "MISSPELT")
            assert member.where in refused.value.message
            assert "MISSPELT" in refused.value.message


@pytest.mark.parametrize("sample", SAMPLES, ids=titles)
def test_a_member_of_the_wrong_type_is_refused_by_name(sample: Sample) -> None:
    for request in requests(sample):
        for member in vendor.members(request):
            wrong = {"a": "b"} if isinstance(member.value, list) else ["wrong"]
            with pytest.raises(Refusal, match="Invalid value at") as refused:
                check(request, member.path, wrong)
            assert member.where in refused.value.message


@pytest.mark.parametrize("sample", SAMPLES, ids=titles)
def test_any_value_may_be_unknown_in_preview(sample: Sample, ctx: Context) -> None:
    kind = ROWS[sample.token]
    for path in places(sample.inputs):
        kind.check(ctx, kind.body(changed(sample.inputs, path, UNKNOWN)), CREATE)


def test_a_member_that_the_api_does_not_have_is_refused() -> None:
    with pytest.raises(Refusal, match="Unknown name \"colour\" at 'resource': Cannot find field"):
        vendor.check(Request("compute.networks.insert", {"name": "net", "colour": "blue"}))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.token)
def test_every_input_of_the_real_package_is_mapped_or_known_not_to_be(kind: Kind) -> None:
    module, word = kind.token.split(":")[1].split("/")[0], kind.token.rsplit(":", 1)[-1]
    package = importlib.import_module(f"pulumi_gcp.{module}")
    parameters = inspect.signature(getattr(package, f"{word}Args").__init__).parameters
    real = {_camel(name) for name in parameters if name not in ("self", "__self__")}
    left_out = getattr(kind, "left_out", frozenset()) | NOT_MAPPED.get(word, set())
    assert real - kind.fields.keys() - kind.provider_only == left_out
    assert kind.replace_on & real == kind.replace_on - {"project"} | ({"project"} & real)


def _camel(snake: str) -> str:
    first, *rest = snake.split("_")
    return first + "".join(part.capitalize() for part in rest)
