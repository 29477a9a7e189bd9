"""The reactor on GCP: two homes, least privilege, every event on its way, the plan published last."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi_gcp import serviceaccount

from infra.gcp.events import preemption_filter
from infra.gcp.reactor import Reactor
from infra.package import package_file
from infra.reactors import DeclaredGroup, ReactorArgs
from infra.settings import read_settings
from reactor.signals import CHECK
from reactor.signals_gcp import parse
from sandbox.gcp import KINDS
from sandbox.kind import CREATE, Context
from sandbox.market import Market
from sandbox.world import World
from tests.infra import plans
from tests.infra.declared import OWNER, Declared, declared, recording

HOMES = ("us-central1", "us-east4")
CELLS = (*HOMES, "europe-west4")


def declare(package: Path, *, homes: tuple[str, ...] = HOMES, **reactor: Any) -> Declared:
    """A reactor with one group and something that exists after everything else."""

    def program() -> None:
        settings = read_settings({"reactor": reactor}, {"gcp"})
        made = Reactor("gcp-reactor", ReactorArgs(OWNER, settings, homes, CELLS, package))
        group = DeclaredGroup("pool", pulumi.Output.from_input("pool-1a2b"), "us-central1")
        made.publish(
            [group],
            lambda ids, _: json.dumps(dict(ids)),
            addresses={},
            after=[serviceaccount.Account("last")],
        )

    return Declared(tuple(recording(program)), "")


@pytest.fixture(scope="module")
def two_homes() -> Declared:
    return declare(package_file("gcp"))


def test_function_store_push_and_timer_are_in_both_homes(two_homes: Declared) -> None:
    functions = two_homes.of("Function")
    assert sorted(each.inputs["location"] for each in functions) == sorted(HOMES)
    assert sorted(each.inputs["region"] for each in two_homes.of("Job")) == sorted(HOMES)
    assert len([s for s in two_homes.of("Subscription") if "pushConfig" in s.inputs]) == 2
    assert len(two_homes.of("Notification")) == 2


def test_one_region_has_one_of_everything(two_homes: Declared) -> None:
    single = declare(package_file("gcp"), homes=HOMES[:1])
    for kind in ("Function", "Job", "Notification"):
        assert len(single.of(kind)) == 1


def test_both_functions_know_both_stores_in_the_same_order(two_homes: Declared) -> None:
    environments = [
        each.inputs["serviceConfig"]["environmentVariables"] for each in two_homes.of("Function")
    ]
    assert environments[0] == environments[1]
    buckets = environments[0]["SKYBLEND_BUCKETS"].split(",")
    assert [bucket.startswith(f"gcp-reactor-{home}") for bucket, home in zip(buckets, HOMES, strict=True)]  # fmt: skip
    assert environments[0]["SKYBLEND_LABEL"] == "skyblend-stack=test"


def test_the_reactor_may_read_and_resize_groups_and_write_its_store_and_nothing_else(
    two_homes: Declared,
) -> None:
    assert two_homes.one("IAMCustomRole").inputs["permissions"] == [
        "compute.instanceGroupManagers.get",
        "compute.instanceGroupManagers.list",
        "compute.instanceGroupManagers.update",
    ]
    roles = {each.inputs["role"] for each in two_homes.of("BucketIAMMember")}
    assert roles == {"roles/storage.objectUser"}
    assert len(two_homes.of("BucketIAMMember")) == 2
    assert len(two_homes.of("IAMMember")) == 1
    assert two_homes.of("SecretIamMember") == []


def test_nobody_can_write_the_code_but_who_deploys_it(two_homes: Declared) -> None:
    granted = {each.inputs["bucket"] for each in two_homes.of("BucketIAMMember")}
    code = {
        each.inputs["buildConfig"]["source"]["storageSource"]["bucket"]
        for each in two_homes.of("Function")
    }
    assert not granted & code


def test_only_the_caller_and_the_machines_may_call_the_function(two_homes: Declared) -> None:
    grants = two_homes.of("ServiceIamMember")
    assert {each.inputs["role"] for each in grants} == {"roles/run.invoker"}
    assert {each.name.rsplit("-", 1)[-1] for each in grants} == {"caller", "machine"}
    assert "allUsers" not in str([each.inputs for each in grants])


def test_everything_that_calls_the_function_proves_who_it_is(two_homes: Declared) -> None:
    pushes = [s.inputs["pushConfig"] for s in two_homes.of("Subscription") if "pushConfig" in s.inputs]  # fmt: skip
    jobs = [job.inputs["httpTarget"] for job in two_homes.of("Job")]
    for target, url in [*((p, p["pushEndpoint"]) for p in pushes), *((j, j["uri"]) for j in jobs)]:
        assert target["oidcToken"]["audience"] == url
        assert target["oidcToken"]["serviceAccountEmail"]


def test_the_timer_says_what_the_reactor_takes_for_a_tick(two_homes: Declared) -> None:
    for job in two_homes.of("Job"):
        assert parse(json.loads(base64.b64decode(job.inputs["httpTarget"]["body"]))) == (CHECK,)
        assert job.inputs["schedule"] == "* * * * *"


def test_what_cannot_be_handled_is_kept_and_told(two_homes: Declared) -> None:
    for subscription in two_homes.of("Subscription"):
        assert subscription.inputs["expirationPolicy"] == {"ttl": ""}
        if "pushConfig" in subscription.inputs:
            assert subscription.inputs["deadLetterPolicy"]["maxDeliveryAttempts"] == 5
        else:
            assert subscription.inputs["messageRetentionDuration"] == "604800s"
    filters = [
        each.inputs["conditions"][0]["conditionThreshold"]["filter"]
        for each in two_homes.of("AlertPolicy")
    ]
    assert any("num_undelivered_messages" in text for text in filters)
    assert any("5xx" in text for text in filters)


def test_a_dispatch_token_is_read_from_one_secret_by_the_reactor_alone() -> None:
    dispatch = {"kind": "github", "url": "https://x/y", "token_secret": {"gcp": "replan"}}
    with_token = declare(package_file("gcp"), dispatch=dispatch)
    assert with_token.one("SecretIamMember").inputs["secretId"] == "replan"
    for function in with_token.of("Function"):
        [secret] = function.inputs["serviceConfig"]["secretEnvironmentVariables"]
        assert secret["secret"] == "replan"
        assert secret["key"] == "SKYBLEND_DISPATCH_TOKEN"
        assert any("SecretIamMember" in urn for urn in function.depends_on)


def test_the_plan_is_published_after_groups_and_what_tells_of_it(two_homes: Declared) -> None:
    plans_ = [o for o in two_homes.of("BucketObject") if o.inputs["name"] == "plan.json"]
    assert len(plans_) == 2
    for each in plans_:
        assert json.loads(each.inputs["content"]["value"]) == {"pool": "pool-1a2b"}
        assert any("Notification" in urn for urn in each.depends_on)
        assert any(urn.endswith("::last") for urn in each.depends_on)


def test_the_functions_code_is_the_package_under_a_name_with_its_digest(
    two_homes: Declared,
) -> None:
    code = [o for o in two_homes.of("BucketObject") if o.inputs["name"] != "plan.json"]
    assert {each.inputs["name"] for each in code} == {package_file("gcp").name}


@pytest.mark.parametrize(
    ("resource", "ours"),
    [
        ("projects/p/zones/us-central1-a/instances/gcp-us-central1-l4x1-tp1-spot-x7k2", True),
        ("projects/p/zones/us-central1-a/instances/web-x7k2", False),
        ("projects/p/zones/asia-east1-a/instances/gcp-asia-east1-l4x1-tp1-spot-x7k2", False),
    ],
)
def test_the_sink_takes_preemptions_of_machines_with_our_names(resource: str, ours: bool) -> None:
    found = re.search(r'resourceName=~"(.*)"', preemption_filter(CELLS))
    assert found
    assert bool(re.search(found[1], resource)) == ours


def test_names_fit_a_long_stack() -> None:
    accounts = declare(package_file("gcp")).of("Account")
    assert all(len(each.name) <= 22 for each in accounts)


def test_every_pool_says_whose_it_is_and_may_come_back_in_another_zone() -> None:
    for group in declared(plans.plan(plans.GCP)).of("RegionInstanceGroupManager"):
        assert group.inputs["allInstancesConfig"]["labels"]["skyblend-stack"] == "test"
        assert group.inputs["instanceLifecyclePolicy"]["onRepair"] == {"allowChangingZone": "YES"}


def test_google_would_take_every_request(two_homes: Declared) -> None:
    rows = {kind.token: kind for kind in KINDS}
    context = Context(World(":memory:", Market([])), "gcp", HOMES[0], "project")
    for each in two_homes.resources:
        if not each.type.startswith("skyblend:"):
            kind = rows[each.type]
            body = kind.body(
                whole(({kind.autoname.field: "some-name"} if kind.autoname else {}) | each.inputs)
            )
            kind.check(context, body, CREATE)


def whole(value: Any) -> Any:
    """As the provider gets it: whole numbers, secrets in the clear, names given."""
    if isinstance(value, dict):
        return (
            value["value"]
            if "value" in value and len(value) == 2
            else {k: whole(v) for k, v in value.items()}
        )
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
