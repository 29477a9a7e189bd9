"""The watcher as a process beside each cloud's metadata service: what it tells, when, as whom, and what it survives."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.watcher.machine import HOSTS, Call, Machine, preempt, quiet, scheduled, serving, watched

CLOUDS = ("aws", "gcp", "azure")
EVENTS = {
    "aws": "/latest/meta-data/spot/instance-action",
    "gcp": "/computeMetadata/v1/instance/preempted",
    "azure": "/metadata/scheduledevents",
}
CREDENTIAL = {
    "aws": "/latest/meta-data/iam/security-credentials/node-role",
    "gcp": "/computeMetadata/v1/instance/service-accounts/default/identity",
    "azure": "/metadata/identity/oauth2/token",
}


@pytest.fixture(params=CLOUDS)
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    with serving(quiet(request.param)) as made:
        yield made


@pytest.fixture
def aws() -> Iterator[Machine]:
    with serving(quiet("aws")) as made:
        yield made


@pytest.fixture
def gcp() -> Iterator[Machine]:
    with serving(quiet("gcp")) as made:
        yield made


@pytest.fixture
def azure() -> Iterator[Machine]:
    with serving(quiet("azure")) as made:
        yield made


def test_a_notice_is_told_once_to_the_first_region(machine: Machine) -> None:
    with watched(machine):
        machine.asked(EVENTS[machine.cloud])
        preempt(machine)
        machine.told()
        machine.asked(EVENTS[machine.cloud], 3 if machine.cloud != "gcp" else 2)
    (call,) = machine.posts()
    said = call.notice()
    deadline = said.pop("deadline")
    assert call.host == HOSTS[machine.cloud][0]
    assert deadline == "2126-11-22T06:30:00Z" or machine.cloud == "gcp"
    assert said == {
        "skyblend": 1,
        "cloud": machine.cloud,
        "kind": "interrupt",
        "pool": "pool",
        **{
            "aws": {"machine": "i-0abc", "region": "us-east-2"},
            "gcp": {"machine": "4711", "region": "us-central1"},
            "azure": {"machine": "nodes_1a2b", "region": "eastus"},
        }[machine.cloud],
    }


def test_who_tells_is_known_before_the_notice(machine: Machine) -> None:
    with watched(machine):
        machine.asked(CREDENTIAL[machine.cloud])
        machine.asked(EVENTS[machine.cloud])
        machine.set(CREDENTIAL[machine.cloud], None)
        preempt(machine)
        (call,) = machine.told()
    assert _proves_itself(machine.cloud, call)


def _proves_itself(cloud: str, call: Call) -> bool:
    if cloud == "azure":
        return call.headers["authorization"] == "Bearer bearer"
    if cloud == "gcp":
        return call.headers["authorization"].startswith("Bearer e30.")
    return call.headers["x-amz-security-token"] == "session-token"


def test_what_the_first_region_refuses_goes_to_the_second(machine: Machine) -> None:
    machine.answers[HOSTS[machine.cloud][0]] = [503]
    with watched(machine):
        preempt(machine)
        calls = machine.told(2)
    assert [call.host for call in calls] == list(HOSTS[machine.cloud])


def test_it_tries_again_with_a_new_credential_until_a_region_takes_the_notice(
    machine: Machine,
) -> None:
    machine.answers = {host: [403, 500, 202] for host in HOSTS[machine.cloud]}
    with watched(machine):
        preempt(machine)
        calls = machine.told(5)
        machine.asked(CREDENTIAL[machine.cloud], 3)
    assert [call.host for call in calls][:5] == [*HOSTS[machine.cloud] * 2, HOSTS[machine.cloud][0]]


def test_new_requests_are_kept_away_by_the_drain_command(machine: Machine, tmp_path: Path) -> None:
    done = tmp_path / "drained"
    with watched(machine, SKYBLEND_DRAIN=f"mkfifo '{done}'") as process:
        preempt(machine)
        machine.told()
        process.send_signal(signal.SIGTERM)
        process.wait()
    assert done.exists()


def test_a_drain_command_that_is_not_there_keeps_no_notice_back(machine: Machine) -> None:
    with watched(machine, SKYBLEND_DRAIN="/no/such/command"):
        preempt(machine)
        assert machine.told()


def test_a_credential_that_ends_soon_is_renewed_before_it_is_needed(azure: Machine) -> None:
    azure.values[CREDENTIAL["azure"]] = quiet("azure", life_s=300).values[CREDENTIAL["azure"]]
    with watched(azure):
        azure.asked(CREDENTIAL["azure"], 2)


@pytest.mark.parametrize("answer", ["", "[]", "{", '{"Events": [{}]}', "null", "\x00"])
def test_no_answer_of_the_metadata_service_ends_it(machine: Machine, answer: str) -> None:
    machine.set(EVENTS[machine.cloud], answer)
    with watched(machine):
        machine.asked(EVENTS[machine.cloud], 2)
        preempt(machine)
        assert machine.told()


def test_a_metadata_service_that_comes_late_is_waited_for(machine: Machine) -> None:
    values, machine.values = machine.values, {}
    with watched(machine):
        machine.wait(lambda m: len(m.calls) > 2)
        for path, value in values.items():
            machine.set(path, value)
        preempt(machine)
        assert machine.told()


def test_a_shutdown_without_warning_is_told_before_the_end(gcp: Machine) -> None:
    with watched(gcp) as process:
        gcp.asked(EVENTS["gcp"], 2)
        gcp.values[EVENTS["gcp"]] = "TRUE"  # nobody who waits is woken
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert [call.notice()["kind"] for call in gcp.posts()] == ["interrupt"]


def test_a_shutdown_for_another_reason_is_told_to_nobody(machine: Machine) -> None:
    with watched(machine) as process:
        machine.asked(EVENTS[machine.cloud])
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert machine.posts() == []


def test_a_rebalance_recommendation_is_told_without_draining_and_the_notice_after_it(
    aws: Machine, tmp_path: Path
) -> None:
    done = tmp_path / "drained"
    hint = "/latest/meta-data/events/recommendations/rebalance"
    with watched(aws, SKYBLEND_DRAIN=f"mkfifo '{done}'"):
        aws.set(hint, json.dumps({"noticeTime": "2126-11-22T06:20:00Z"}))
        (call,) = aws.told()
        assert (call.notice()["kind"], call.notice()["deadline"]) == ("rebalance", None)
        aws.asked(hint, 2)
        assert not done.exists()
        preempt(aws)
        assert aws.told(2)[1].notice()["kind"] == "interrupt"


def test_a_notice_follows_a_recommendation_that_nobody_takes(aws: Machine) -> None:
    aws.answers = {host: [500] for host in HOSTS["aws"]}
    with watched(aws):
        aws.set("/latest/meta-data/events/recommendations/rebalance", "{}")
        aws.told(2)
        preempt(aws)
        aws.wait(lambda m: any(call.notice()["kind"] == "interrupt" for call in m.posts()))


def test_calls_to_lambda_are_signed_as_aws_reckons(aws: Machine) -> None:
    with watched(aws):
        preempt(aws)
        (call,) = aws.told()
    assert call.headers["x-amz-invocation-type"] == "Event"
    names = call.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = AWSRequest("POST", f"https://{call.host}{call.path}", data=call.body)
    for name in names:
        request.headers[name] = call.headers[name]
    request.context["timestamp"] = call.headers["x-amz-date"]
    signer = SigV4Auth(Credentials("AKID", "secret", "session-token"), "lambda", "us-east-2")
    canonical = signer.canonical_request(request)
    expected = signer.signature(signer.string_to_sign(request, canonical), request)
    assert call.headers["authorization"].endswith(f"Signature={expected}")


def test_a_session_that_the_metadata_service_forgot_is_begun_again(aws: Machine) -> None:
    with watched(aws):
        aws.asked("/latest/api/token")
        aws.set(EVENTS["aws"], None)
        aws.cloud = "azure"  # the session's header is not taken any more
        aws.asked("/latest/api/token", 2)
        aws.cloud = "aws"
        preempt(aws)
        assert aws.told()


@pytest.mark.parametrize(
    "event",
    [
        {"Resources": ["another_vm"]},
        {"Resources": ["Nodes_1a2b"], "EventType": "Freeze"},
        {"Resources": []},
    ],
)
def test_events_of_other_machines_and_kinds_are_not_told(azure: Machine, event: dict) -> None:
    with watched(azure):
        scheduled(azure, **event)
        azure.asked(EVENTS["azure"], 3)
    assert azure.posts() == []


def test_an_event_that_has_begun_is_told_with_the_present_as_its_deadline(azure: Machine) -> None:
    with watched(azure):
        scheduled(azure, Resources=["nodes_1a2b"], EventStatus="Started", NotBefore="")
        (call,) = azure.told()
    assert call.notice()["deadline"] is not None


def test_a_second_event_of_the_same_machine_is_told_too(azure: Machine) -> None:
    with watched(azure):
        preempt(azure)
        azure.told()
        scheduled(azure, Resources=["nodes_1a2b"], EventId="A2")
        assert len(azure.told(2)) == 2


def test_messages_of_the_queue_do_not_outlive_their_use(azure: Machine) -> None:
    with watched(azure):
        preempt(azure)
        (call,) = azure.told()
    assert call.path == "/notices/messages?messagettl=120"
    assert call.headers["x-ms-version"] >= "2017-11-09"  # the first with tokens
