"""The reactor's adapters for AWS against the emulated AWS: groups, failures, the store's compare-and-swap."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reactor import amazon
from reactor.clock import CloudClock
from reactor.clouds.aws import AutoScalingGroups
from reactor.ports import CloudError, GroupSize
from reactor.published import Target
from reactor.stores.s3 import S3Store
from sandbox import faults
from sandbox.aws.identity import root
from sandbox.aws.lookup import GROUP
from sandbox.aws.wire.signature import Credentials
from sandbox.clouds import endpoint
from sandbox.preempt import take
from tests.sandbox.aws_samples import make
from tests.sandbox.aws_served import REGION, Served, served

ONE, OTHER = Target("one", "spots", REGION), Target("other", "dry", REGION)
ELSEWHERE = Target("elsewhere", "spots", "eu-west-1")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("aws"), speed=60.0) as opened:
        opened.cloud.ctx.world.set_setting("boot_s", "30")
        opened.cloud.group(2, maxSize=3)
        make(opened.cloud.ctx, "Bucket", {"bucket": "store-9"})
        yield opened


@pytest.fixture(autouse=True)
def account(world: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment that leads boto3 to the emulated AWS; no client of another test's is used again."""
    known = Credentials.of(world.cloud.ctx.world, root(world.cloud.ctx))
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint(world.cloud.ctx.world, "aws"),
        "AWS_ACCESS_KEY_ID": known.key_id,
        "AWS_SECRET_ACCESS_KEY": known.secret,
        "AWS_SESSION_TOKEN": known.token,
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(amazon, "_RETRIES", 0)
    amazon.client.cache_clear()
    yield
    amazon.client.cache_clear()
    faults.none(world.cloud.ctx.world)


@pytest.fixture
def cloud() -> AutoScalingGroups:
    return AutoScalingGroups(CloudClock())


@pytest.fixture
def store() -> S3Store:
    return S3Store(CloudClock(), REGION, "store-9")


def test_a_group_is_seen_with_its_size_and_its_machines(
    world: Served, cloud: AutoScalingGroups
) -> None:
    group = world.cloud.ctx.world.get("aws", GROUP, "spots")
    assert group
    seen = cloud.observe([ONE])
    assert seen.sizes == (GroupSize("one", group.body["DesiredCapacity"]),)
    assert len(seen.machines) >= 2
    assert {machine.group for machine in seen.machines} == {"one"}
    assert {machine.zone for machine in seen.machines} <= {"use1-az1", "use1-az2"}
    assert {machine.state for machine in seen.machines} <= {"starting", "ready"}
    assert seen.unread == ()


def test_the_clocks_time_is_the_clouds(world: Served, cloud: AutoScalingGroups) -> None:
    cloud.observe([ONE])
    assert cloud.now() == pytest.approx(world.cloud.ctx.world.clock.now(), abs=60)


def test_what_a_group_lacks_shows_as_failed_launches_in_zones_that_its_region_names(
    world: Served, cloud: AutoScalingGroups
) -> None:
    world.cloud.stock(0)
    world.cloud.group(1, name="dry")
    seen = cloud.observe([ONE, OTHER])
    world.cloud.stock(16)
    assert {launch.group for launch in seen.failed} == {"other"}
    assert {launch.zone for launch in seen.failed} <= {"use1-az1", "use1-az2", ""}
    [newest, *_] = seen.failed
    assert newest.at_s == pytest.approx(world.cloud.ctx.world.clock.now(), abs=60)


def test_a_group_that_is_not_there_is_unread_and_the_others_are_read(
    cloud: AutoScalingGroups,
) -> None:
    seen = cloud.observe([ONE, Target("lost", "nobody", REGION), ELSEWHERE])
    assert [size.group for size in seen.sizes] == ["one"]
    assert {each.group: each.why for each in seen.unread} == {
        "lost": f"no group nobody in {REGION}",
        "elsewhere": "no group spots in eu-west-1",
    }


def test_a_region_that_does_not_answer_leaves_the_others_readable(
    world: Served, cloud: AutoScalingGroups
) -> None:
    world.cloud.ctx.world.set_setting("fault/aws/dead/eu-west-1", "1")
    seen = cloud.observe([ONE, ELSEWHERE])
    assert [size.group for size in seen.sizes] == ["one"]
    [lost] = seen.unread
    assert (lost.group, lost.why[:11]) == ("elsewhere", "Unreachable")


def test_where_nothing_answers_it_is_an_error(world: Served, cloud: AutoScalingGroups) -> None:
    world.cloud.ctx.world.set_setting("fault/aws/dead", "1")
    with pytest.raises(CloudError, match="Unreachable"):
        cloud.observe([ONE, ELSEWHERE])


def test_a_throttled_call_says_so(world: Served, cloud: AutoScalingGroups, store: S3Store) -> None:
    world.cloud.ctx.world.set_setting("fault/aws/throttles", "1")
    for call in (lambda: cloud.observe([ONE]), lambda: store.get("state")):
        with pytest.raises(CloudError) as caught:
            call()
        assert caught.value.throttled


def test_a_size_is_set_and_one_above_the_bound_is_an_error(
    world: Served, cloud: AutoScalingGroups
) -> None:
    assert cloud.set_size(ONE, 3) is None
    assert cloud.observe([ONE]).sizes == (GroupSize("one", 3),)
    with pytest.raises(CloudError, match="ValidationError: New SetDesiredCapacity value 9"):
        cloud.set_size(ONE, 9)


def test_a_machine_under_notice_is_still_seen(world: Served, cloud: AutoScalingGroups) -> None:
    [machine, *_] = cloud.observe([ONE]).machines
    record = world.cloud.ctx.world.get("aws", "machine", machine.id)
    assert record
    take(world.cloud.ctx.world, [record], lead_s=3600.0)
    assert machine.id in {each.id for each in cloud.observe([ONE]).machines}


def test_of_two_writers_of_one_version_the_first_wins(store: S3Store) -> None:
    assert store.get("state") is None
    assert store.put("state", b"1", None)
    assert not store.put("state", b"2", None)
    first = store.get("state")
    assert first
    assert first.body == b"1"
    assert store.put("state", b"2", first.tag)
    assert not store.put("state", b"3", first.tag)
    assert not store.put("never", b"", first.tag)


def test_a_store_that_is_not_there_is_an_error() -> None:
    with pytest.raises(CloudError, match="NoSuchBucket"):
        S3Store(CloudClock(), REGION, "nobodys").get("state")
