"""The reactor on the emulated GCP: its package under functions-framework, woken by everything that wakes it there."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.package import package_file
from reactor.clock import CloudClock
from reactor.clouds.gcp import ManagedGroups
from reactor.google import Google
from reactor.http import Http, Token
from reactor.ports import CloudError, Seen
from reactor.published import Label, Published, Target
from reactor.signals_gcp import TICK
from reactor.stores.gcs import GcsStore
from sandbox import bus, logs, objects
from sandbox.gcp.functions import url_of
from sandbox.gcp.storage import put_object
from sandbox.machines import RUNNING
from sandbox.preempt import take
from sandbox.world import Record
from tests.reactor.builders import group as plan_group
from tests.reactor.builders import plan
from tests.sandbox.gcp_served import (
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

ROOT = Path(__file__).resolve().parents[2]
SPOTS, OTHERS = Target("spots", "spots", REGION), Target("others", "others", REGION)
LABEL = Label("skyblend-stack", "test")
ENVIRONMENT = {
    "SKYBLEND_PROJECT": PROJECT,
    "SKYBLEND_LABEL": "skyblend-stack=test",
    "SKYBLEND_BUCKETS": STORE,
}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, speed=40.0) as opened:
        opened.account("machine")
        reactor_account(opened)
        yield opened


@pytest.fixture
def spots(cloud: Served) -> Record:
    return spot_group(cloud)


def google(cloud: Served, email: str = f"reactor@{PROJECT}.iam.gserviceaccount.com") -> Google:
    return Google(Http(CloudClock()), Token(lambda: (cloud.token(email), 3600.0)))


def groups(cloud: Served) -> ManagedGroups:
    return ManagedGroups(google(cloud), PROJECT, LABEL, endpoint=f"{cloud.url}/compute/v1/")


def store(cloud: Served) -> GcsStore:
    return GcsStore(google(cloud), STORE, cloud.url)


def states(seen: Seen) -> list[str]:
    return sorted(machine.state for machine in seen.machines)


# -- the adapters ------------------------------------------------------------------------------------------------


def test_a_size_is_set_and_its_machines_are_seen_starting_then_ready(
    cloud: Served, spots: Record
) -> None:
    adapter = groups(cloud)
    assert adapter.observe([SPOTS]).sizes[0].nodes == 0
    assert adapter.set_size(SPOTS, 2) is None
    seen = adapter.observe([SPOTS])
    assert (seen.sizes[0].nodes, states(seen)) == (2, ["starting", "starting"])
    ids = {machine.id for machine in seen.machines}
    assert ids == {machine.live["number"] for machine in cloud.machines(spots)}
    until(lambda: states(adapter.observe([SPOTS])) == ["ready", "ready"])
    assert abs(adapter.now() - cloud.ctx.world.clock.now()) < 30


def test_what_cannot_be_had_is_told_as_failed_launches_and_is_no_machine(
    cloud: Served, spots: Record
) -> None:
    cloud.ctx.world.set_setting("stock", "0")
    adapter = groups(cloud)
    adapter.observe([SPOTS])
    adapter.set_size(SPOTS, 2)
    seen = adapter.observe([SPOTS])
    assert seen.sizes[0].nodes == 2
    assert seen.machines == ()
    assert {each.zone.rpartition("-")[0] for each in seen.failed} == {REGION}


def test_a_taken_machine_is_draining_and_the_one_in_its_place_has_its_name_but_another_number(
    cloud: Served, spots: Record
) -> None:
    adapter = groups(cloud)
    adapter.observe([SPOTS])
    adapter.set_size(SPOTS, 1)
    until(lambda: states(adapter.observe([SPOTS])) == ["ready"])
    [machine] = cloud.machines(spots)
    take(cloud.ctx.world, [machine])
    assert states(adapter.observe([SPOTS])) == ["draining"]
    after = until(lambda: [m for m in cloud.machines(spots) if m.id != machine.id])[0]
    assert after.name == machine.name
    assert after.live["number"] != machine.live["number"]


def test_another_stacks_group_is_neither_read_nor_resized(cloud: Served, spots: Record) -> None:
    other = spot_group(cloud, "others", stack="another", targetSize=1)
    adapter = groups(cloud)
    seen = adapter.observe([SPOTS, OTHERS])
    assert [size.group for size in seen.sizes] == ["spots"]
    assert [unread.group for unread in seen.unread] == ["others"]
    with pytest.raises(CloudError, match="NotOurs"):
        adapter.set_size(OTHERS, 0)
    assert cloud.now(other).body["targetSize"] == 1


def test_a_group_that_is_gone_is_one_that_cannot_be_read(cloud: Served, spots: Record) -> None:
    gone = Target("gone", "gone", REGION)
    seen = groups(cloud).observe([SPOTS, gone])
    assert [unread.group for unread in seen.unread] == ["gone"]
    with pytest.raises(CloudError, match="notFound"):
        groups(cloud).observe([gone])


def test_a_dead_region_leaves_the_groups_of_the_others_readable(
    cloud: Served, spots: Record
) -> None:
    away = Target("away", "away", "us-east4")
    cloud.ctx.world.set_setting("fault/gcp/dead/us-east4", "1")
    seen = groups(cloud).observe([SPOTS, away])
    assert [size.group for size in seen.sizes] == ["spots"]
    assert "Unreachable" in seen.unread[0].why


def test_too_many_requests_are_told_as_such(cloud: Served, spots: Record) -> None:
    cloud.ctx.world.set_setting("fault/gcp/throttles", "1")
    with pytest.raises(CloudError) as refused:
        groups(cloud).observe([SPOTS])
    assert refused.value.throttled


def test_of_two_writers_of_one_version_the_first_wins(cloud: Served) -> None:
    first, second = store(cloud), store(cloud)
    assert first.get("state.json") is None
    assert first.put("state.json", b"1", None)
    assert not second.put("state.json", b"2", None)
    known = second.get("state.json")
    assert known is not None
    assert known.body == b"1"
    assert second.put("state.json", b"2", known.tag)
    assert not first.put("state.json", b"3", known.tag)


def test_a_store_that_may_not_be_read_is_an_error_and_no_empty_store(cloud: Served) -> None:
    stranger = GcsStore(google(cloud, cloud.account("stranger")), STORE, cloud.url)
    with pytest.raises(CloudError, match=r"forbidden: Required 'storage.objects.get'"):
        stranger.get("plan.json")
    with pytest.raises(CloudError, match="forbidden"):
        stranger.put("plan.json", b"{}", None)


# -- the package under the cloud's runtime -------------------------------------------------------------------------


def deployed(cloud: Served) -> Record:
    """The function, with its topic, sink, timer and dead letters."""
    made = function(cloud, package_file("gcp"), environmentVariables=ENVIRONMENT)
    oidc = {"serviceAccountEmail": f"caller@{PROJECT}.iam.gserviceaccount.com", "audience": url_of(made)}  # fmt: skip
    topic = cloud.make("Topic", name="events").id
    dead = cloud.make("Topic", name="letters").id
    cloud.make("Subscription", name="letters", topic=dead)
    cloud.make(
        "Subscription",
        name="push",
        topic=topic,
        pushConfig={"pushEndpoint": url_of(made), "oidcToken": oidc},
        retryPolicy={"minimumBackoff": "1s"},
        deadLetterPolicy={"deadLetterTopic": dead, "maxDeliveryAttempts": 5},
    )
    sink = cloud.make(
        "ProjectSink",
        name="preempted",
        destination=f"pubsub.googleapis.com/{topic}",
        filter='protoPayload.methodName="compute.instances.preempted"',
        uniqueWriterIdentity=True,
    )
    cloud.make("Notification", bucket=STORE, topic=topic, payloadFormat="NONE", objectNamePrefix="plan.json")  # fmt: skip
    number = "424242424242"
    writer = f"serviceAccount:service-{number}@gcp-sa-logging.iam.gserviceaccount.com"
    for on, member in (
        (topic, writer),
        (topic, f"serviceAccount:service-{number}@gs-project-accounts.iam.gserviceaccount.com"),
        (dead, f"serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"),
    ):
        cloud.make("TopicIAMMember", topic=on, role="roles/pubsub.publisher", member=member)
    cloud.make("SubscriptionIAMMember", subscription="push", role="roles/pubsub.subscriber", member=f"serviceAccount:service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com")  # fmt: skip
    assert sink.name == "preempted"
    return made


def publish(cloud: Served, nodes: int = 2) -> None:
    wanted = plan_group(
        "spots", cloud="gcp", region=REGION, zones=(), cold_start_s=5.0, planned_nodes=nodes
    )
    text = Published("test", "gcp", plan(wanted, demand=nodes), (SPOTS,), LABEL).to_json()
    put_object(cloud.ctx, STORE, "plan.json", text.encode())


def unknown(cloud: Served) -> list[str]:
    """The function's lines about events that it does not know; they arrive a moment after its answer."""
    lines = logs.read(cloud.ctx.world, "gcp", "reactor")
    return [line for _, line in lines if "unknown_event" in line]


def ready(cloud: Served, spots: Record, count: int) -> bool:
    return sum(m.body["state"] == RUNNING for m in cloud.machines(spots)) >= count


def test_a_new_plan_is_applied_as_soon_as_it_is_published(cloud: Served, spots: Record) -> None:
    deployed(cloud)
    publish(cloud, 2)
    until(lambda: ready(cloud, spots, 2), 30)
    lines = [line for _, line in logs.read(cloud.ctx.world, "gcp", "reactor") if '"ended"' in line]
    assert any("(storage)" in line and '"to": 2' in line for line in lines)
    assert objects.read(cloud.ctx.world, "gcp", STORE, "state.json")


def test_the_timer_alone_is_enough(cloud: Served, spots: Record) -> None:
    made = deployed(cloud)
    cloud.ctx.world.set_setting("bus/mute", "1")
    cloud.make(
        "Job",
        name="tick",
        region=REGION,
        schedule="* * * * *",
        httpTarget={
            "uri": url_of(made),
            "httpMethod": "POST",
            "body": base64.b64encode(json.dumps(TICK).encode()).decode(),
            "oidcToken": {"serviceAccountEmail": f"caller@{PROJECT}.iam.gserviceaccount.com"},
        },
    )
    publish(cloud, 2)
    until(lambda: ready(cloud, spots, 2), 30)


def test_the_audit_log_tells_the_reactor_of_a_machine_that_is_gone(
    cloud: Served, spots: Record
) -> None:
    deployed(cloud)
    publish(cloud, 2)
    until(lambda: ready(cloud, spots, 2), 30)
    take(cloud.ctx.world, cloud.machines(spots)[:1], lead_s=1.0)
    until(lambda: any("(audit log)" in line for _, line in logs.read(cloud.ctx.world, "gcp")))


def test_an_event_nobody_knows_is_told_once_and_acknowledged(cloud: Served) -> None:
    made = deployed(cloud)
    outcome = cloud.running.functions.invoke(made, {"headers": {}, "body": "no json"})
    assert outcome.ok
    assert len(until(lambda: unknown(cloud))) == 1


def test_lines_of_requests_that_run_at_once_stay_whole(cloud: Served) -> None:
    made = deployed(cloud)
    event = {"headers": {}, "body": json.dumps({"odd": "x" * 200})}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: cloud.running.functions.invoke(made, event), range(64)))
    until(lambda: len("".join(unknown(cloud)).split("unknown_event")) > 64)
    for line in unknown(cloud):
        json.loads(line[line.index("{") :])


def test_an_event_that_fails_again_and_again_ends_among_the_dead_letters(cloud: Served) -> None:
    deployed(cloud)
    cloud.ctx.world.set_setting("fault/gcp/errors", "1")
    cloud.ctx.world.set_setting("boot_s", "0")
    publish(cloud, 1)
    letters = f"projects/{PROJECT}/subscriptions/letters"
    assert until(lambda: bus.held(cloud.ctx.world, letters), 30)


# -- a real watcher ------------------------------------------------------------------------------------------------


def test_a_real_watcher_tells_the_function_within_a_second_of_the_notice(
    cloud: Served, spots: Record
) -> None:
    made = deployed(cloud)
    publish(cloud, 2)
    until(lambda: ready(cloud, spots, 2), 30)
    machine = cloud.machines(spots)[0]
    env = {
        "PATH": os.environ["PATH"],
        "SKYBLEND_CLOUD": "gcp",
        "SKYBLEND_POOL": "spots",
        "SKYBLEND_NOTICE_URL": url_of(made),
        "SKYBLEND_METADATA": cloud.running.metadata.url(machine),
        "SKYBLEND_NOTICE_VIA": cloud.url,
        "SKYBLEND_POLL_S": "0.2",
    }
    watcher = subprocess.Popen(
        [sys.executable, "-I", str(ROOT / "images/watcher/watcher.py")],
        env=env,
        stdout=subprocess.DEVNULL,
    )
    try:
        take(cloud.ctx.world, [machine], lead_s=600.0)
        until(lambda: any(f"interrupt {machine.live['number']} (watcher)" in line for _, line in logs.read(cloud.ctx.world, "gcp", "reactor")), 30)  # fmt: skip
    finally:
        watcher.kill()
        watcher.wait()
