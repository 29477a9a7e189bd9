"""The reactor of GCP as Pulumi deploys it: sizes follow the plan, losses are made good, and identities hold."""

from __future__ import annotations

import itertools
import json
import re
import urllib.error
import urllib.request
from importlib.resources import files
from typing import Any

import pytest

from sandbox import bus, faults, logs, objects
from sandbox.gcp.rest import BUCKET
from sandbox.gcp.tokens import id_token
from sandbox.preempt import take
from tests.e2e.gcp_stack import GROUPS, HOMES, PROJECT, Deployed
from tests.sandbox.gcp_served import until

PLANNED = {key: 2 for key in GROUPS if key.endswith("spot")}
SERVICES = (
    *("compute.v1", "storage.v1", "pubsub.v1", "iam.v1", "cloudfunctions.v2", "run.v2"),
    *("cloudscheduler.v1", "logging.v2", "secretmanager.v1"),
)
_MANAGERS = "compute.regionInstanceGroupManagers"
NEEDED = {
    "reactor": {
        f"{_MANAGERS}.{verb}"
        for verb in ("list", "get", "listManagedInstances", "listErrors", "resize")
    },
    "machine": set[str](),
    "caller": set[str](),
}
COMES_WITH_RESIZE = {f"{_MANAGERS}.deleteInstances"}
"""Google has one right, `update`, for all changes of a group; the rest of what it covers is not served here."""


def methods(name: str) -> list[dict[str, Any]]:
    """Every method of a service that its discovery document has."""
    document = files("googleapiclient").joinpath(f"discovery_cache/documents/{name}.json")
    service = json.loads(document.read_text())

    def inside(level: dict[str, Any]) -> list[dict[str, Any]]:
        own = list(level.get("methods", {}).values())
        nested = (inside(each) for each in level.get("resources", {}).values())
        return own + list(itertools.chain.from_iterable(nested))

    return [method | {"base": service["servicePath"]} for method in inside(service)]


def call(stack: Deployed, method: str, path: str, token: str) -> int:
    body = b"{}" if method in ("POST", "PUT", "PATCH") else None
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{stack.api}/{path}", body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def path_of(stack: Deployed, method: dict[str, Any]) -> str:
    """Its path to what is there: somebody else's group, the bucket with the functions' code."""
    group = stack.group("strangers").name
    code = next(b.name for b in stack.world.all("gcp", BUCKET) if b.name not in stack.stores())
    known = {"project": PROJECT, "projectsId": PROJECT, "region": HOMES[0]}
    known |= {"instanceGroupManager": group, "bucket": code}
    path = method["base"] + method.get("flatPath", method["path"])
    path = re.sub(r"\{\+?(\w+)\}", lambda name: known.get(name[1], "x"), path)
    return path + ("?size=0" if method["id"].endswith(".resize") else "")


def test_a_published_plan_is_applied_to_empty_groups(gcp_stack: Deployed) -> None:
    until(lambda: gcp_stack.sizes() == PLANNED, 60)
    assert gcp_stack.group("strangers").body["targetSize"] == 0


def test_both_stores_hold_the_plan_and_the_first_the_state(gcp_stack: Deployed) -> None:
    until(lambda: gcp_stack.sizes() == PLANNED, 60)
    names = [
        {o.name for o in objects.listed(gcp_stack.world, "gcp", b)} for b in gcp_stack.stores()
    ]
    assert all("plan.json" in held for held in names)
    assert sum("state.json" in held for held in names) == 1


def test_a_lost_region_is_made_good_and_given_back(gcp_stack: Deployed) -> None:
    until(lambda: gcp_stack.sizes() == PLANNED, 60)
    lost = "us-central1-spot"
    gcp_stack.world.set_setting("stock/gcp/us-central1/spot", "0")
    take(gcp_stack.world, gcp_stack.machines(lost))
    until(lambda: sum(gcp_stack.sizes().values()) > 6, 60)
    until(lambda: sum(len(gcp_stack.machines(k)) for k in GROUPS if k != lost) >= 6, 60)
    gcp_stack.world.set_setting("stock/gcp/us-central1/spot", None)
    gcp_stack.world.clock.run(120.0)
    until(lambda: gcp_stack.sizes() == PLANNED, 60)
    gcp_stack.world.clock.run(20.0)
    assert gcp_stack.group("strangers").body["targetSize"] == 0


def test_the_second_home_goes_on_when_the_first_is_gone(gcp_stack: Deployed) -> None:
    until(lambda: gcp_stack.sizes(), 60)
    seen = len(logs.read(gcp_stack.world, "gcp", gcp_stack.function(HOMES[1]).name))
    gcp_stack.world.set_setting(f"fault/gcp/dead/{HOMES[0]}", "1")
    name = gcp_stack.function(HOMES[1]).name
    try:
        until(lambda: [line for _, line in logs.read(gcp_stack.world, "gcp", name)[seen:] if '"ended": "set"' in line or '"ended": "steady"' in line], 60)  # fmt: skip
    finally:
        faults.none(gcp_stack.world)


def test_a_notice_is_taken_from_a_machine_and_from_nobody_else(gcp_stack: Deployed) -> None:
    url, ctx = gcp_stack.urls[0], gcp_stack.cloud_context()
    host = url.removeprefix("https://").partition("/")[0]

    def post(token: str) -> int:
        request = urllib.request.Request(
            gcp_stack.api + url.removeprefix(f"https://{host}"),
            b'{"skyblend": 1, "kind": "tick"}',
            {"Authorization": f"Bearer {token}", "Host": host},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    assert post(id_token(ctx, gcp_stack.email("machine"), url)) == 204
    assert post(id_token(ctx, gcp_stack.email("machine"), gcp_stack.urls[1])) == 401
    assert post(id_token(ctx, gcp_stack.email("reactor"), url)) == 403
    assert post(gcp_stack.token("machine")) == 401


@pytest.mark.parametrize("use", sorted(NEEDED))
def test_an_identity_is_denied_every_call_that_it_does_not_need(
    gcp_stack: Deployed, use: str
) -> None:
    token, tried = gcp_stack.token(use), 0
    allowed = NEEDED[use] | (COMES_WITH_RESIZE if use == "reactor" else set())
    for name in SERVICES:
        for method in methods(name):
            if method["id"] not in allowed:
                status = call(gcp_stack, method["httpMethod"], path_of(gcp_stack, method), token)
                assert (method["id"], status) == (method["id"], 403)
                tried += 1
    assert tried > 1000


def test_nothing_is_left_among_the_dead_letters(gcp_stack: Deployed) -> None:
    letters = [s.id for s in gcp_stack.world.all("gcp", "pubsub.subscriptions") if "dead-letters" in s.name]  # fmt: skip
    assert letters
    assert [bus.held(gcp_stack.world, each) for each in letters] == [[]]
