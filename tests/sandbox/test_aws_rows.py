"""Every reviewed row of the emulated AWS, over rich samples and Amazon's own models."""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.aws import KINDS, vendor
from sandbox.aws.row import PROVIDER, AwsKind
from sandbox.fields import UNKNOWN, Fields, Json
from sandbox.kind import CREATE, UPDATE, Context, Kind, Request
from sandbox.refusal import Refusal, Unmapped
from sandbox.world import World
from tests.sandbox.aws_rich import MARKET
from tests.sandbox.aws_samples import ROWS, SAMPLES, Made, make, make_all, places
from tests.sandbox.foreign import MARKET as SHELVES

NAMES = [name for name, _, _ in SAMPLES]


@pytest.fixture(scope="module")
def ctx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    world = World(tmp_path_factory.mktemp("aws") / "clouds.db", SHELVES)
    yield Context(world, "aws", "us-east-1", "111122223333")
    world.close()


@pytest.fixture(scope="module")
def made(ctx: Context) -> dict[str, Made]:
    return make_all(ctx)


def altered(params: Json, path: tuple[str | int, ...], value: Any = None) -> Json:
    """The same request with one place changed, or taken out when no value is given."""
    changed = copy.deepcopy(params)
    at: Any = changed
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return changed


def requests(one: Made) -> list[Request]:
    """What creating and updating a sample sends."""
    return [call for verb in (CREATE, UPDATE) for call in calls(one.kind, one.inputs, verb)]


def calls(kind: Kind, inputs: Json, verb: str) -> list[Request]:
    return kind.requests(kind.body(inputs), verb)


def test_every_row_has_a_sample() -> None:
    assert {word for _, word, _ in SAMPLES} == ROWS.keys()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_created_reads_back_as_the_inputs_that_made_it(
    ctx: Context, made: dict[str, Made], name: str
) -> None:
    one = made[name]
    mapped = {k: v for k, v in one.inputs.items() if k not in one.kind.provider_only}
    assert one.kind.inputs(ctx, one.record) == mapped


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_named_as_computed(ctx: Context, made: dict[str, Made], name: str) -> None:
    one = made[name]
    assert set(one.kind.outputs(ctx, one.record)) <= set(one.kind.computed)


@pytest.mark.parametrize("name", NAMES)
def test_an_update_that_changes_nothing_leaves_the_body_as_it_was(
    ctx: Context, made: dict[str, Made], name: str
) -> None:
    one = made[name]
    before = copy.deepcopy(one.record.body)
    body = one.kind.body(one.inputs)
    one.kind.check(ctx, body, UPDATE)
    one.kind.update(ctx, copy.deepcopy(one.record), body, one.inputs)
    after = ctx.world.get("aws", one.kind.name, one.record.id)
    assert after is not None
    assert (after.body, after.tags, after.parents) == (before, one.record.tags, one.record.parents)


@pytest.mark.parametrize("name", NAMES)
def test_a_required_member_left_out_is_refused_by_name(made: dict[str, Made], name: str) -> None:
    for request in requests(made[name]):
        for site in vendor.sites(request):
            if not site.required:
                continue
            with pytest.raises(Refusal) as refused:
                vendor.check(Request(request.operation, altered(request.params, site.path)))
            assert str(site.path[-1]) in refused.value.message
            assert refused.value.code in ("MissingParameter", "ValidationError")


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_word_is_refused_with_its_place_and_value(
    made: dict[str, Made], name: str
) -> None:
    for request in requests(made[name]):
        for site in vendor.sites(request):
            if not site.values:
                continue
            with pytest.raises(Refusal) as refused:
                vendor.check(
                    Request(request.operation, altered(request.params, site.path, "misspelt"))
                )
            member = [step for step in site.path if isinstance(step, str)][-1]
            assert member in refused.value.message
            assert "misspelt" in refused.value.message


@pytest.mark.parametrize("name", NAMES)
def test_what_preview_cannot_know_passes(ctx: Context, made: dict[str, Made], name: str) -> None:
    one = made[name]
    for path in places(one.inputs):
        inputs = altered(one.inputs, path, UNKNOWN)
        one.kind.check(ctx, one.kind.body(inputs), CREATE)


def test_attribute_based_selection_and_market_options_are_checked_too() -> None:
    kind = ROWS["LaunchTemplate"]
    [request] = calls(kind, MARKET | {"name": "any", "imageId": "ami-1"}, CREATE)
    words = [site for site in vendor.sites(request) if site.values]
    assert len(words) > 10
    for site in words:
        with pytest.raises(Refusal, match="misspelt"):
            vendor.check(Request(request.operation, altered(request.params, site.path, "misspelt")))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_input_of_the_real_package_is_mapped(kind: Kind) -> None:
    module, word = kind.token.split(":")[1].split("/")[0], kind.token.rsplit(":", 1)[-1]
    package = importlib.import_module(f"pulumi_aws.{MODULES.get(module, module)}")
    arguments = getattr(package, f"{word}InitArgs", None) or getattr(package, f"{word}Args")
    arguments = arguments.__init__
    real = {camel(name) for name in inspect.signature(arguments).parameters} - {"_Self", "self"}
    assert isinstance(kind, AwsKind)
    known = kind.fields.keys() | kind.provider_only | kind.left_out
    assert real - {"_Self_"} == known
    assert kind.replace_on | kind.defaults.keys() <= real


MODULES = {"lambda": "lambda_"}
"""Modules whose names are words of Python."""


def camel(snake: str) -> str:
    first, *rest = snake.strip("_").split("_")
    return first + "".join(part.capitalize() for part in rest)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_mapped_member_is_in_the_vendors_model(kind: Kind) -> None:
    unknown = {
        f"{name} -> {'.'.join(path)}"
        for name, path in leaves(kind.fields)
        if path[0] != PROVIDER and not vendor.has_member(*operation_of(kind, path))
    }
    assert unknown == RENDERED.get(kind.name, set())


RENDERED = {
    "s3:BucketNotification": {
        f"filter{word} -> NotificationConfiguration.LambdaFunctionConfigurations.Filter.Key.FilterRules.{word.lower()}"
        for word in ("Prefix", "Suffix")
    },
    "ec2:SecurityGroup": {
        f"{word} -> AuthorizeSecurityGroup{way}.IpPermissions.{word.capitalize()}"
        for word in ("description", "self")
        for way in ("Egress", "Ingress")
    },
}
"""Members of a body that the row turns into others before it calls."""


def leaves(fields: Fields, above: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Inputs without inputs inside, each with the path of its member; attributes end at their list."""
    for name, field in fields.items():
        path = above + tuple(step for step in field.path.split(".") if step)
        if field.fields:
            yield from leaves(field.fields, path)
        elif "Attributes" in path:
            yield name, path[: path.index("Attributes") + 1]
        else:
            yield name, path


def operation_of(kind: Kind, path: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The call that carries a member, and the member's path in it."""
    assert isinstance(kind, AwsKind)
    if path[0] in kind.also:
        return f"{kind.api.split('.')[0]}.{path[0]}", path[1:]
    return kind.api, path


def test_an_input_without_a_mapping_is_refused_loudly() -> None:
    with pytest.raises(Unmapped, match=r"mixedInstancesPolicy\.launchTemplate\.colour"):
        ROWS["Group"].body({"mixedInstancesPolicy": {"launchTemplate": {"colour": "red"}}})


def test_values_of_the_wrong_type_or_length_are_refused() -> None:
    operation = "autoscaling.CreateAutoScalingGroup"
    good: Json = {"AutoScalingGroupName": "a", "MinSize": 0, "MaxSize": 1}
    vendor.check(Request(operation, good))
    for wrong, words in (
        ({"MinSize": "none"}, "Value 'none' at 'MinSize' .* must be of type integer"),
        ({"MinSize": True}, "must be of type integer"),
        ({"AutoScalingGroupName": "x" * 256}, "length less than or equal to 255"),
        ({"Colour": "red"}, "The parameter Colour is not recognized"),
    ):
        with pytest.raises(Refusal, match=words):
            vendor.check(Request(operation, good | wrong))


def test_a_name_prefix_is_completed_by_the_provider(ctx: Context) -> None:
    record = make(ctx, "LaunchTemplate", {"namePrefix": "pre-", "imageId": "ami-1"})
    assert record.name.startswith("pre-")
    assert len(record.name) == len("pre-") + 26
