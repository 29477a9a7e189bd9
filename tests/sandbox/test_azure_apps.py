"""Function apps under Azure's own worker: queue and timer triggers, repetition and poison, Event Grid, identities, metadata."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import bus, logs
from sandbox.azure.blobs import write_blob
from sandbox.azure.deliveries import QUEUED
from sandbox.azure.machines import LEAD_S, machine_name
from sandbox.azure.triggers import next_time
from sandbox.bus import Event, post
from sandbox.clouds import context
from sandbox.machines import machines_of
from sandbox.preempt import take
from tests.sandbox.azure_cloud import IDENTITY, SCALE_SET, Cloud, served, until
from tests.sandbox.azure_samples import GROUP

QUEUE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/letters/queueServices/default/queues/notices"
APP = "azure-native:web:WebApp"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory) -> Iterator[Cloud]:
    with served(tmp_path_factory.mktemp("azure")) as made:
        yield made


@pytest.fixture(autouse=True)
def _real_speed(cloud: Cloud) -> None:
    cloud.world.clock.run(1.0)


def put(cloud: Cloud, text: str) -> None:
    post(cloud.world, Event("azure", "eastus", QUEUED, {"queue": QUEUE, "text": text}, 0.0))


def lines(cloud: Cloud, part: str) -> list[str]:
    return [line for _, line in logs.read(cloud.world, "azure", "app") if part in line]


def test_a_message_reaches_the_function_with_its_settings(cloud: Cloud) -> None:
    put(cloud, "hello")
    (line,) = until(lambda: lines(cloud, "got hello"))
    assert line.endswith(f"got hello try 1 as {cloud.made[IDENTITY].live['clientId']}")


def test_what_fails_five_times_lies_in_the_poison_queue(cloud: Cloud) -> None:
    put(cloud, "bad one")
    until(lambda: bus.held(cloud.world, f"{QUEUE}-poison"))
    tries = [line.split(" try ")[1].split()[0] for line in lines(cloud, "got bad one")]
    assert tries == ["1", "2", "3", "4", "5"]
    assert [m for m in bus.held(cloud.world, QUEUE) if m.payload["text"] == "bad one"] == []


def test_a_function_that_dies_is_started_again(cloud: Cloud) -> None:
    put(cloud, "die now")
    until(lambda: lines(cloud, "exited with status 3"))
    put(cloud, "after it")
    assert until(lambda: lines(cloud, "got after it"))


def test_the_timer_ticks_every_minute_of_the_clouds(cloud: Cloud) -> None:
    cloud.world.clock.run(120.0)
    until(lambda: len(lines(cloud, "tick False")) >= 2)


def test_a_new_blob_is_told_through_event_grid_in_the_subscriptions_schema(cloud: Cloud) -> None:
    ctx = context(cloud.world, "azure", "eastus")
    write_blob(ctx, "letters", "plan", "other.json", b"{}")
    write_blob(ctx, "letters", "plan", "plan.json", b"{}")
    (line,) = until(lambda: lines(cloud, "BlobCreated"))
    told = json.loads(line.split("got ")[1].split(" try ")[0])
    assert told["specversion"] == "1.0"
    assert told["subject"] == "/blobServices/default/containers/plan/blobs/plan.json"


def test_the_identity_endpoint_gives_tokens_to_apps_alone(cloud: Cloud) -> None:
    import ssl

    trust = ssl.create_default_context(cafile=cloud.ca)
    url = f"{cloud.url}/msi/token?api-version=2019-08-01&resource=https://storage.azure.com/"
    request = urllib.request.Request(url, headers={"X-IDENTITY-HEADER": "guessed"})
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=trust), urllib.request.ProxyHandler({})
    )
    with pytest.raises(urllib.error.HTTPError, match="401"):
        opener.open(request)


def ask(cloud: Cloud, machine: Any, path: str, **headers: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(cloud.clouds.metadata.url(machine) + path, headers=headers)
    with opener.open(request) as answer:
        return json.loads(answer.read())


def test_a_machine_knows_itself_and_hears_of_its_preemption_half_a_minute_ahead(
    cloud: Cloud,
) -> None:
    machine, other = machines_of(cloud.world, cloud.made[SCALE_SET])
    path = "/metadata/scheduledevents?api-version=2020-07-01"
    compute = ask(
        cloud, machine, "/metadata/instance/compute?api-version=2021-02-01", Metadata="true"
    )
    assert (compute["name"], compute["location"]) == (machine_name(machine), "eastus")
    assert ask(cloud, machine, path, Metadata="true")["Events"] == []
    take(cloud.world, [machine])
    (event,) = ask(cloud, machine, path, Metadata="true")["Events"]
    assert (event["EventType"], event["Resources"]) == ("Preempt", [machine_name(machine)])
    deadline = cloud.fresh(machine).body["deadline"]
    assert deadline - cloud.world.clock.now() > LEAD_S - 5
    assert ask(cloud, other, path, Metadata="true")["Events"] == []


def test_metadata_is_not_for_who_comes_without_the_header(cloud: Cloud) -> None:
    machine = machines_of(cloud.world, cloud.made[SCALE_SET])[-1]
    with pytest.raises(urllib.error.HTTPError, match="400"):
        ask(cloud, machine, "/metadata/scheduledevents?api-version=2020-07-01")


def test_a_machine_without_an_identity_gets_no_token(cloud: Cloud) -> None:
    machine = machines_of(cloud.world, cloud.made[SCALE_SET])[-1]
    with pytest.raises(urllib.error.HTTPError, match="400"):
        ask(
            cloud,
            machine,
            "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://storage.azure.com/",
            Metadata="true",
        )


@pytest.mark.parametrize(
    ("schedule", "now", "due"),
    [("0 * * * * *", 0.0, 60.0), ("0 */5 * * * *", 61.0, 300.0), ("30 0 12 * * *", 0.0, 43230.0), ("0 0 0 * * *", 1.0, 86400.0)],
)  # fmt: skip
def test_schedules_are_due_when_they_say(schedule: str, now: float, due: float) -> None:
    assert next_time(schedule, now) == due


def test_text_that_is_not_base64_reaches_the_function_as_it_is(cloud: Cloud) -> None:
    from sandbox.azure.wire.queue import _decoded

    assert _decoded(base64.b64encode(b"a").decode()) == "a"
    assert _decoded("{not base64}") == "{not base64}"


def test_an_app_that_does_not_load_fails_at_once_and_says_why(tmp_path) -> None:
    with served(tmp_path, package="import nothing_of_that_name") as broken:
        app = broken.made[APP]
        outcome = broken.clouds.functions.invoke(
            app, {"trigger": "timerTrigger", "function": "tick"}
        )
        assert not outcome.ok
        assert "exited" in outcome.error
        until(
            lambda: [
                line
                for _, line in logs.read(broken.world, "azure", "app")
                if "nothing_of_that_name" in line
            ]
        )
