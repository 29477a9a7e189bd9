"""The adapters for Azure, against the emulated cloud over HTTPS: what they read, what they set, what they leave alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings

from reactor.clock import CloudClock
from reactor.clouds.azure import ScaleSets
from reactor.http import Answer, Http, Token
from reactor.microsoft import Microsoft, failure
from reactor.ports import CloudError, Refused
from reactor.published import Label, Target
from reactor.stores.blob import BlobStore
from sandbox import faults
from sandbox.machines import machines_of, quota_name
from sandbox.preempt import take
from tests.reactor.fuzz import JSON, mutated
from tests.sandbox.azure_cloud import SCALE_SET, THEIRS, Cloud, served, until
from tests.sandbox.azure_samples import GROUP

MINE = Label("stack", "test")
SETS = "providers/Microsoft.Compute/virtualMachineScaleSets"
NODES = Target("spot", f"{GROUP}/{SETS}/nodes", "eastus")
STRANGERS = Target("theirs", f"{THEIRS}/{SETS}/theirs", "eastus")


@pytest.fixture
def cloud(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with served(tmp_path) as made:
        monkeypatch.setenv("SSL_CERT_FILE", made.ca)
        monkeypatch.setattr("reactor.microsoft._STORAGE", made.url)
        yield made


def microsoft(cloud: Cloud) -> Microsoft:
    def token(scope: str) -> Token:
        return Token(lambda: (cloud.credential().get_token(scope).token, 3600.0))

    return Microsoft(
        Http(CloudClock()), token("https://management.azure.com"), token("https://storage")
    )


def scale_sets(cloud: Cloud, label: Label = MINE) -> ScaleSets:
    return ScaleSets(microsoft(cloud), label, endpoint=cloud.url)


def seen(cloud: Cloud, *targets: Target) -> tuple[dict[str, int], list[str], Any]:
    """Sizes by group, states of machines, everything."""
    found = scale_sets(cloud).observe(targets or (NODES,))
    return {s.group: s.nodes for s in found.sizes}, sorted(m.state for m in found.machines), found


def test_sizes_and_machines_are_read_as_they_boot(cloud: Cloud) -> None:
    assert seen(cloud)[:2] == ({"spot": 2}, ["starting", "starting"])
    cloud.world.clock.run(1000.0)
    until(lambda: seen(cloud)[1] == ["ready", "ready"])
    _, _, found = seen(cloud)
    assert all(m.id == m.id.lower() and m.id.startswith("nodes_") for m in found.machines)


def test_a_size_is_set_and_read_back_and_the_clock_is_the_clouds(cloud: Cloud) -> None:
    sets = scale_sets(cloud)
    sets.observe([NODES])
    assert sets.set_size(NODES, 4) is None
    assert seen(cloud)[0] == {"spot": 4}
    assert abs(sets.now() - cloud.world.clock.now()) < 3


def test_an_evicted_machine_lowers_the_size_and_the_same_size_brings_another(cloud: Cloud) -> None:
    cloud.world.clock.run(1000.0)
    until(lambda: seen(cloud)[1] == ["ready", "ready"])
    take(cloud.world, machines_of(cloud.world, cloud.made[SCALE_SET])[:1])
    until(lambda: seen(cloud)[0] == {"spot": 1})
    sets = scale_sets(cloud)
    sets.observe([NODES])
    assert sets.set_size(NODES, 2) is None
    assert len(machines_of(cloud.world, cloud.made[SCALE_SET])) == 2


def test_no_stock_and_no_quota_are_refusals_and_no_errors(cloud: Cloud) -> None:
    sets = scale_sets(cloud)
    sets.observe([NODES])
    cloud.world.set_setting("stock", "3")
    refused = sets.set_size(NODES, 9)
    assert isinstance(refused, Refused)
    assert refused.code == "SkuNotAvailable"
    cloud.world.set_setting("stock", "16")
    cloud.world.set_setting(quota_name("azure", "eastus", "lowPriorityCores"), "12")
    refused = sets.set_size(NODES, 9)
    assert isinstance(refused, Refused)
    assert refused.code == "OperationNotAllowed"


def test_what_failed_later_is_a_failed_launch_of_one_time_and_the_size_is_what_is_there(
    cloud: Cloud,
) -> None:
    sets = scale_sets(cloud)
    sets.observe([NODES])
    cloud.world.set_setting("stock", "5")
    assert sets.set_size(NODES, 9) is None
    size, _, first = seen(cloud)
    (launch,) = first.failed
    assert (size, launch.group, launch.zone) == ({"spot": 4}, "spot", "")
    cloud.world.clock.run(100.0)
    until(lambda: cloud.world.clock.now() > launch.at_s + 60)
    assert seen(cloud)[2].failed == first.failed


def test_a_group_of_another_stack_is_not_read_and_not_set(cloud: Cloud) -> None:
    other = scale_sets(cloud, Label("stack", "another"))
    with pytest.raises(CloudError, match="NotOurs"):
        other.observe([NODES])
    with pytest.raises(CloudError, match="NotOurs"):
        other.set_size(NODES, 9)
    assert cloud.fresh(cloud.made[SCALE_SET]).body["sku"]["capacity"] == 2


def test_a_group_that_may_not_be_read_keeps_no_other_from_being_read(cloud: Cloud) -> None:
    sizes, _, found = seen(cloud, NODES, STRANGERS)
    assert sizes == {"spot": 2}
    (unread,) = found.unread
    assert unread.group == "theirs"
    assert "AuthorizationFailed" in unread.why


def test_a_group_that_is_gone_is_unread(cloud: Cloud) -> None:
    gone = Target("gone", f"{GROUP}/{SETS}/gone", "eastus")
    assert seen(cloud, NODES, gone)[2].unread[0].why.startswith("NotFound")


def test_throttling_is_an_error_that_says_so(cloud: Cloud) -> None:
    sets = scale_sets(cloud)
    sets.observe([NODES])
    cloud.world.set_setting("fault/azure/throttles", "1")
    with pytest.raises(CloudError) as said:
        sets.set_size(NODES, 3)
    faults.none(cloud.world)
    assert said.value.throttled


def test_objects_are_swapped_only_by_who_read_the_latest(cloud: Cloud) -> None:
    store = BlobStore(microsoft(cloud), "https://letters.blob.core.windows.net/plan")
    assert store.get("state.json") is None
    assert store.put("state.json", b"one", None)
    assert not store.put("state.json", b"two", None)
    read = store.get("state.json")
    assert read is not None
    assert store.put("state.json", b"two", read.tag)
    assert not store.put("state.json", b"three", read.tag)
    assert store.get("state.json").body == b"two"  # type: ignore[union-attr]


def test_a_container_that_is_not_ours_is_an_error(cloud: Cloud) -> None:
    store = BlobStore(microsoft(cloud), "https://letters.blob.core.windows.net/other")
    with pytest.raises(CloudError, match="ContainerNotFound"):
        store.put("state.json", b"x", None)


@dataclass
class _Canned:
    """An HTTP client with ready answers by what a URL ends with."""

    answers: dict[str, Any]
    clock: CloudClock = field(default_factory=CloudClock)
    sets: list[str] = field(default_factory=list)

    def request(self, method: str, url: str, headers: Any = None, body: bytes = b"") -> Answer:
        path = url.split("?")[0].lower().rsplit("/", 1)[-1]
        if method == "PATCH":
            self.sets.append(url)
        return Answer(200, {}, json.dumps(self.answers.get(path, {})).encode())


SET = {
    "id": NODES.resource, "tags": {"stack": "test"}, "sku": {"name": "x", "tier": "Standard", "capacity": 2},
    "properties": {"provisioningState": "Failed"},
}  # fmt: skip
MACHINE = {
    "name": "nodes_1", "zones": ["1"],
    "properties": {"provisioningState": "Succeeded", "virtualMachineScaleSet": {"id": NODES.resource}},
}  # fmt: skip
VIEW = {"statuses": [{"code": "ProvisioningState/failed", "time": "2026-11-22T06:30:00Z"}]}


@settings(max_examples=300, deadline=None)
@given(
    answers=mutated(
        [
            {
                "virtualmachinescalesets": {"value": [SET]},
                "virtualmachines": {"value": [MACHINE]},
                "instanceview": VIEW,
            }
        ]
    )
    | JSON
)
def test_no_answer_of_azure_is_too_strange(answers: Any) -> None:
    http = _Canned(answers if isinstance(answers, dict) else {})
    token = Token(lambda: ("t", 3600.0))
    sets = ScaleSets(Microsoft(http, token, token), MINE)  # type: ignore[arg-type]
    try:
        found = sets.observe([NODES])
        assert len(found.sizes) + len(found.unread) == 1
    except CloudError:
        pass
    assert http.sets == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(412, {"x-ms-error-code": "ConditionNotMet"}, b""), "ConditionNotMet"),
        (Answer(404, {}, b"<Error><Code>BlobNotFound</Code></Error>"), "BlobNotFound"),
        (Answer(403, {}, b'{"error": {"code": "AuthorizationFailed", "message": "no"}}'), "AuthorizationFailed"),
        (Answer(502, {}, b"<html>"), "HTTP 502"),
        (Answer(500, {}, b'{"error": "odd"}'), "HTTP 500"),
    ],
)  # fmt: skip
def test_a_refusal_is_known_by_its_code(answer: Answer, code: str) -> None:
    assert failure(answer).code == code


def test_the_identity_endpoint_is_asked_for_the_apps_own_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, Any]] = []

    class Endpoint:
        clock = CloudClock()

        def request(self, method: str, url: str, headers: Any = None, body: bytes = b"") -> Answer:
            asked.append((url, headers))
            return Answer(200, {}, b'{"access_token": "t", "expires_on": "99999999999"}')

    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/msi")
    monkeypatch.setenv("IDENTITY_HEADER", "secret")
    monkeypatch.setenv("AZURE_CLIENT_ID", "client")
    assert Microsoft.of(Endpoint()).arm.value() == "t"  # type: ignore[arg-type]
    ((url, headers),) = asked
    assert headers == {"X-IDENTITY-HEADER": "secret"}
    assert "resource=https%3A%2F%2Fmanagement.azure.com%2F" in url
    assert "client_id=client" in url
