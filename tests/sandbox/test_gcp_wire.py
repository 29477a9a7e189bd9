"""Google's own client against the emulated GCP, who may do what there, and its metadata server."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import Forbidden, NotFound
from google.cloud import compute_v1
from google.oauth2.credentials import Credentials

from infra.gcp.identity import LOOP_PERMISSIONS
from sandbox.gcp import filters
from sandbox.gcp.functions import url_of
from sandbox.gcp.tokens import caller_of, id_token
from sandbox.preempt import take
from sandbox.refusal import Refusal
from sandbox.world import Record
from tests.sandbox.gcp_served import (
    LOOP,
    PROJECT,
    REGION,
    STORE,
    Served,
    function,
    reactor_account,
    served,
    spot_group,
    until,
)

REACTOR = f"reactor@{PROJECT}.iam.gserviceaccount.com"
MACHINE = f"machine@{PROJECT}.iam.gserviceaccount.com"
PLACE = {"project": PROJECT, "region": REGION}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("gcp"), speed=40.0) as opened:
        opened.account("machine")
        reactor_account(opened)
        yield opened


@pytest.fixture(scope="module")
def spots(cloud: Served) -> Record:
    return spot_group(cloud, targetSize=2)


def client(cloud: Served, kind: type[Any], email: str = "") -> Any:
    """A client of Google's, as an account; by default as who may do everything."""
    options = ClientOptions(api_endpoint=cloud.url)
    return kind(credentials=Credentials(token=cloud.token(email)), client_options=options)


def managers(cloud: Served, email: str = "") -> Any:
    return client(cloud, compute_v1.RegionInstanceGroupManagersClient, email)


def answer(method: str, url: str, token: str = "", body: bytes | None = None) -> tuple[int, bytes]:
    """A plain request, with a token if there is one."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


# -- Google's client ---------------------------------------------------------------------------------------------


def test_a_group_is_read_with_its_labels_and_machines(cloud: Served, spots: Record) -> None:
    found = managers(cloud).get(**PLACE, instance_group_manager="spots")
    assert (found.name, found.target_size) == ("spots", 2)
    assert dict(found.all_instances_config.properties.labels) == {"skyblend-stack": "test"}
    assert [g.name for g in managers(cloud).list(**PLACE)] == ["spots"]
    listed = list(managers(cloud).list_managed_instances(**PLACE, instance_group_manager="spots"))
    assert {str(one.id) for one in listed} == {m.live["number"] for m in cloud.machines(spots)}
    assert {one.current_action for one in listed} <= {"CREATING", "NONE"}


def test_a_resize_is_an_operation_that_can_be_waited_for(cloud: Served, spots: Record) -> None:
    operation = managers(cloud).resize(**PLACE, instance_group_manager="spots", size=3)
    operation.result(timeout=10)
    assert cloud.now(spots).body["targetSize"] == 3
    assert len(cloud.machines(spots)) == 3
    again = client(cloud, compute_v1.RegionOperationsClient).get(**PLACE, operation=operation.name)
    assert again.status.name == "DONE"
    managers(cloud).resize(**PLACE, instance_group_manager="spots", size=2).result(timeout=10)


def test_a_machine_can_be_named_to_go_and_the_size_goes_with_it(cloud: Served) -> None:
    named = spot_group(cloud, "named", targetSize=2)
    first, second = cloud.machines(named)
    url = f"projects/{PROJECT}/zones/{first.body['zone']}/instances/{first.name}"
    request = compute_v1.RegionInstanceGroupManagersDeleteInstancesRequest(instances=[url])
    managers(cloud).delete_instances(
        **PLACE,
        instance_group_manager="named",
        region_instance_group_managers_delete_instances_request_resource=request,
    )
    assert [m.id for m in cloud.machines(named)] == [second.id]
    assert cloud.now(named).body["targetSize"] == 1
    seen = client(cloud, compute_v1.InstancesClient).get(project=PROJECT, zone=second.body["zone"], instance=second.name)  # fmt: skip
    assert str(seen.id) == second.live["number"]


def test_a_dry_market_shows_in_the_errors_of_the_group_and_in_the_last_attempt(
    cloud: Served,
) -> None:
    dry = spot_group(cloud, "dry")
    cloud.ctx.world.set_setting("stock", "0")
    try:
        managers(cloud).resize(**PLACE, instance_group_manager="dry", size=1)
    finally:
        cloud.ctx.world.set_setting("stock", None)
    [error, *_] = managers(cloud).list_errors(**PLACE, instance_group_manager="dry")
    assert error.error.code == "ZONE_RESOURCE_POOL_EXHAUSTED"
    [waiting] = managers(cloud).list_managed_instances(**PLACE, instance_group_manager="dry")
    assert waiting.current_action == "CREATING"
    assert waiting.last_attempt.errors.errors[0].code == "ZONE_RESOURCE_POOL_EXHAUSTED"
    until(lambda: cloud.machines(dry))  # it tries again by itself
    assert cloud.machines(dry)[0].name == waiting.name


def test_nothing_limits_a_size_but_the_one_who_sets_it(cloud: Served) -> None:
    free = spot_group(cloud, "free")
    managers(cloud).resize(**PLACE, instance_group_manager="free", size=500)
    assert cloud.now(free).body["targetSize"] == 500
    managers(cloud).resize(**PLACE, instance_group_manager="free", size=0)


def test_an_unknown_group_is_not_found(cloud: Served) -> None:
    with pytest.raises(NotFound, match="instanceGroupManagers/nobody' was not found"):
        managers(cloud).get(**PLACE, instance_group_manager="nobody")


# -- who may do what -----------------------------------------------------------------------------------------------


def test_the_loops_role_may_do_what_the_loop_calls_and_nothing_else(
    cloud: Served, spots: Record
) -> None:
    assert managers(cloud, REACTOR).get(**PLACE, instance_group_manager="spots").name == "spots"
    managers(cloud, REACTOR).resize(**PLACE, instance_group_manager="spots", size=2)
    machine = cloud.machines(spots)[0]
    with pytest.raises(Forbidden, match=r"compute\.instances\.get"):
        client(cloud, compute_v1.InstancesClient, REACTOR).get(project=PROJECT, zone=machine.body["zone"], instance=machine.name)  # fmt: skip
    with pytest.raises(Forbidden, match=r"compute\.regionOperations\.get"):
        client(cloud, compute_v1.RegionOperationsClient, REACTOR).get(**PLACE, operation="x")


@pytest.mark.parametrize("verb", ["get", "list", "listManagedInstances", "listErrors", "resize"])
def test_a_machines_account_may_not_touch_groups(cloud: Served, spots: Record, verb: str) -> None:
    base = f"{cloud.url}/compute/v1/projects/{PROJECT}/regions/{REGION}/instanceGroupManagers"
    path = {"list": "", "get": "/spots", "resize": "/spots/resize?size=0"}.get(verb, f"/spots/{verb}")  # fmt: skip
    method = "GET" if verb in ("get", "list", "listErrors") else "POST"
    status, body = answer(method, base + path, cloud.token(MACHINE), b"{}" if method == "POST" else None)  # fmt: skip
    assert status == 403
    assert b"compute.instanceGroupManagers." in body


def test_a_caller_without_a_token_that_is_known_is_turned_away(cloud: Served) -> None:
    base = f"{cloud.url}/compute/v1/projects/{PROJECT}/regions/{REGION}/instanceGroupManagers"
    assert answer("GET", base)[0] == 401
    assert answer("GET", base, "ya29.made-up")[0] == 401


def test_a_grant_with_a_condition_gives_nothing_that_was_not_checked(cloud: Served) -> None:
    email = cloud.account("sometimes")
    role = f"projects/{PROJECT}/roles/resizer"
    condition = {"title": "never", "expression": "false"}
    cloud.make("IAMMember", role=role, member=f"serviceAccount:{email}", condition=condition)
    with pytest.raises(Forbidden):
        managers(cloud, email).get(**PLACE, instance_group_manager="spots")


def test_a_store_is_open_to_its_reactor_alone(cloud: Served) -> None:
    cloud.make("Bucket", name="somebody-elses", location=REGION)
    for bucket, status in ((STORE, 200), ("somebody-elses", 403)):
        url = f"{cloud.url}/upload/storage/v1/b/{bucket}/o?uploadType=media&name=state.json"
        assert answer("POST", url, cloud.token(REACTOR), b"{}")[0] == status
        assert answer("POST", url, cloud.token(MACHINE), b"{}")[0] == 403


def test_a_missing_object_reads_as_forbidden_to_who_may_not_list(cloud: Served) -> None:
    email = cloud.account("writer")
    role = cloud.make("IAMCustomRole", roleId="reader", title="r", permissions=["storage.objects.get"])  # fmt: skip
    cloud.make("BucketIAMMember", bucket=STORE, role=role.id, member=f"serviceAccount:{email}")
    url = f"{cloud.url}/storage/v1/b/{STORE}/o/nothing?alt=media"
    assert answer("GET", url, cloud.token(email))[0] == 403
    assert answer("GET", url, cloud.token(REACTOR))[0] == 404


def test_a_secret_is_read_by_who_may(cloud: Served) -> None:
    cloud.ctx.world.set_setting("secret/gcp/key", "open sesame")
    url = f"{cloud.url}/v1/projects/{PROJECT}/secrets/key/versions/latest:access"
    assert answer("GET", url, cloud.token(REACTOR))[0] == 403
    cloud.make("SecretIamMember", secretId="key", role="roles/secretmanager.secretAccessor", member=f"serviceAccount:{REACTOR}")  # fmt: skip
    status, body = answer("GET", url, cloud.token(REACTOR))
    assert (status, json.loads(body)["payload"]["data"]) == (200, "b3BlbiBzZXNhbWU=")


def test_a_function_is_entered_with_a_token_for_it_of_who_may_call_it(
    cloud: Served, tmp_path: Path
) -> None:
    package = tmp_path / "code.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("main.py", "def react(request):\n    return request.get_data(), 202\n")
    url = url_of(function(cloud, package))
    host = url.removeprefix("https://").partition("/")[0]
    path = url.removeprefix(f"https://{host}")

    def post(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}", "Host": host}
        request = urllib.request.Request(cloud.url + path, b"{}", headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=20) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return error.code

    ctx = cloud.ctx
    assert post(id_token(ctx, MACHINE, url)) == 202
    assert post(id_token(ctx, MACHINE, "https://elsewhere")) == 401
    assert post(id_token(ctx, MACHINE, url)[:-8] + "AAAAAAAA") == 401
    assert post(id_token(ctx, REACTOR, url)) == 403
    assert post(cloud.token()) == 401


# -- the metadata server -------------------------------------------------------------------------------------------


def page(base: str, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    named = headers or {"Metadata-Flavor": "Google"}
    request = urllib.request.Request(f"{base}/computeMetadata/v1/{path}", headers=named)
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.read().decode(), dict(reply.headers)
    except urllib.error.HTTPError as error:
        return error.code, "", dict(error.headers)


def test_a_machine_learns_who_it_is_and_nobody_else_does(cloud: Served, spots: Record) -> None:
    machine = cloud.machines(spots)[0]
    base = cloud.running.metadata.url(machine)
    assert page(base, "instance/id")[1] == machine.live["number"]
    assert page(base, "instance/name")[1] == machine.name
    assert page(base, "instance/zone")[1].endswith(machine.body["zone"])
    assert page(base, "project/project-id")[1] == PROJECT
    assert page(base, "instance/attributes/user-data")[1] == "#cloud-config"
    assert page(base, "instance/maintenance-event")[1] == "NONE"
    assert page(base, "instance/nothing")[0] == 404
    assert page(base, "instance/id", Accept="*/*")[0] == 403


def test_a_machines_tokens_say_which_account_it_runs_as(cloud: Served, spots: Record) -> None:
    machine = cloud.machines(spots)[0]
    base = cloud.running.metadata.url(machine)
    accounts = "instance/service-accounts/default"
    assert page(base, f"{accounts}/email")[1] == MACHINE
    token = page(base, f"{accounts}/identity?audience=https://f&format=full")[1]
    assert caller_of(cloud.ctx, token, "https://f") == MACHINE
    assert caller_of(cloud.ctx, token, "https://g") is None
    access = json.loads(page(base, f"{accounts}/token")[1])["access_token"]
    assert access == cloud.token(MACHINE)


def test_who_waits_for_the_end_hears_of_it_at_once(cloud: Served) -> None:
    short = spot_group(cloud, "short", targetSize=1)
    machine = cloud.machines(short)[0]
    base = cloud.running.metadata.url(machine)
    _, text, headers = page(base, "instance/preempted")
    assert text == "FALSE"
    heard: list[tuple[str, float]] = []

    def wait() -> None:
        query = f"wait_for_change=true&last_etag={headers['ETag']}&timeout_sec=8"
        heard.append((page(base, f"instance/preempted?{query}")[1], time.monotonic()))

    waiting = threading.Thread(target=wait)
    waiting.start()
    take(cloud.ctx.world, [machine], lead_s=600.0)
    waiting.join()
    assert heard[0][0] == "TRUE"


def test_the_flag_of_an_old_tag_is_answered_without_waiting(cloud: Served, spots: Record) -> None:
    base = cloud.running.metadata.url(cloud.machines(spots)[0])
    started = time.monotonic()
    assert page(base, "instance/preempted?wait_for_change=true&last_etag=old")[1] == "FALSE"
    assert time.monotonic() - started < 5


# -- log filters -----------------------------------------------------------------------------------------------------


def test_a_filter_compares_members_and_joins_with_and() -> None:
    entry = {"resource": {"type": "gce_instance"}, "protoPayload": {"methodName": "a.b"}}
    assert filters.matches('resource.type="gce_instance" AND protoPayload.methodName=~"^a"', entry)
    assert not filters.matches('resource.type="gce_instance" AND protoPayload.methodName="a"', entry)  # fmt: skip
    assert not filters.matches('resource.labels.zone=~"."', entry)
    assert filters.matches("", entry)


def test_a_filter_that_cannot_be_evaluated_is_refused_when_the_sink_is_made(cloud: Served) -> None:
    with pytest.raises(Refusal, match="NotEmulated"):
        cloud.make("ProjectSink", name="odd", destination="pubsub.googleapis.com/t", filter="severity>=ERROR")  # fmt: skip


def test_the_roles_of_the_tests_are_those_of_the_program() -> None:
    assert LOOP == LOOP_PERMISSIONS
