"""A small stack with the reactor of GCP, in the emulated GCP: three regions, two of them with a function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pulumi
from pulumi_gcp import compute

from infra.gcp.reactor import Reactor
from infra.naming import Owner
from infra.package import package_file
from infra.reactors import DeclaredGroup, ReactorArgs
from infra.settings import read_settings
from reactor.contract import RuntimePlan
from reactor.published import Label, Published, Target
from sandbox.clouds import context, endpoint
from sandbox.gcp.life import GROUP
from sandbox.gcp.permissions import bearer
from sandbox.gcp.rest import ACCOUNT, BUCKET, FUNCTION
from sandbox.kind import Context
from sandbox.machines import machines_of
from sandbox.market import Market
from sandbox.server import Running, running
from sandbox.world import Record, World
from tests.reactor.builders import UNIT, group
from tests.sandbox.foreign import sale, stack_of

PROJECT = "emulated-project"
HOMES = ("us-central1", "us-east4")
REGIONS = (*HOMES, "europe-west4")
OWNER = Owner("skyblend", "test")
SECRET, TOKEN = "replan", "open-sesame"
GROUPS = {f"{region}-spot": region for region in REGIONS} | {"us-central1-fallback": HOMES[0]}
MARKET = Market(
    [
        sale("gcp", region, f"{region}-{zone}", "g2-standard-4")
        for region in REGIONS
        for zone in "ab"
    ]
)


def plan() -> Published:
    """Six nodes, two in each region, over the stack's groups."""
    groups = [
        group(
            key,
            key.rsplit("-", 1)[-1],
            cloud="gcp",
            region=region,
            zones=(f"{region}-a", f"{region}-b"),
            planned_nodes=2 if key.endswith("spot") else 0,
            max_nodes=8,
            cold_start_s=0.0,
            notice_s=30.0,
            fallback=("us-central1-fallback",) if key.endswith("spot") else (),
        )
        for key, region in GROUPS.items()
    ]
    runtime = RuntimePlan("d1", 6 * UNIT, 0, tuple(sorted(groups, key=lambda g: g.key)))
    return Published(OWNER.stack, "gcp", runtime, (), Label("skyblend-stack", OWNER.stack))


def text(ids: Mapping[str, str]) -> str:
    """The plan with the names of its groups."""
    targets = tuple(Target(key, name, GROUPS[key]) for key, name in sorted(ids.items()))
    return replace(plan(), targets=targets).to_json()


def declare() -> None:
    """The program. A group in each region, one on demand, and one of somebody else's."""
    dispatch = {"kind": "github", "url": "http://api.example/x", "token_secret": {"gcp": SECRET}}
    settings = read_settings({"reactor": {"dispatch": dispatch}}, {"gcp"})
    args = ReactorArgs(OWNER, settings, HOMES, REGIONS, package_file("gcp"))
    reactor = Reactor("gcp-reactor", args)
    declared = [
        DeclaredGroup(key, _group(key, region, reactor, OWNER), region)
        for key, region in GROUPS.items()
    ]
    _group("strangers", HOMES[0], reactor, Owner("skyblend", "other"))
    reactor.publish(declared, lambda ids, _: text(ids), addresses={}, after=[])
    pulumi.export("urls", reactor.notices.urls)


def _group(key: str, region: str, reactor: Reactor, owner: Owner) -> pulumi.Output[str]:
    spot = key.endswith("spot")
    template = compute.RegionInstanceTemplate(
        key,
        region=region,
        machine_type="g2-standard-4",
        disks=[compute.RegionInstanceTemplateDiskArgs(boot=True)],
        service_account=compute.RegionInstanceTemplateServiceAccountArgs(
            email=reactor.notices.identity, scopes=["cloud-platform"]
        ),
        scheduling=compute.RegionInstanceTemplateSchedulingArgs(
            provisioning_model="SPOT" if spot else "STANDARD",
            preemptible=spot,
            automatic_restart=not spot,
            on_host_maintenance="TERMINATE",
        ),
    )
    return compute.RegionInstanceGroupManager(
        key,
        region=region,
        base_instance_name=f"gcp-{key}",
        versions=[
            compute.RegionInstanceGroupManagerVersionArgs(instance_template=template.self_link)
        ],
        distribution_policy_target_shape="BALANCED",
        update_policy=compute.RegionInstanceGroupManagerUpdatePolicyArgs(
            type="OPPORTUNISTIC", minimal_action="REPLACE", instance_redistribution_type="NONE"
        ),
        all_instances_config=compute.RegionInstanceGroupManagerAllInstancesConfigArgs(
            labels=owner.tags()
        ),
        wait_for_instances=False,
    ).name


@dataclass(frozen=True)
class Deployed:
    """The stack while its cloud is served."""

    running: Running
    urls: tuple[str, ...]

    @property
    def world(self) -> World:
        return self.running.world

    @property
    def api(self) -> str:
        return endpoint(self.world, "gcp")

    def cloud_context(self) -> Context:
        """The cloud acting in the first home."""
        return context(self.world, "gcp", HOMES[0])

    def email(self, use: str) -> str:
        """The account for a use: reactor, caller or machine."""
        accounts = [a.id.rsplit("/", 1)[-1] for a in self.world.all("gcp", ACCOUNT)]
        [found] = [email for email in accounts if email.startswith(f"test-{use}-")]
        return found

    def token(self, use: str) -> str:
        """An access token of that account."""
        return bearer(self.world, f"serviceAccount:{self.email(use)}")

    def group(self, key: str) -> Record:
        """The group of a key."""
        groups = self.world.all("gcp", GROUP)
        [found] = [g for g in groups if g.name.rsplit("-", 1)[0] == key]
        return found

    def sizes(self) -> dict[str, int]:
        """The sizes of the stack's groups that are not 0."""
        found = {key: self.group(key).body["targetSize"] for key in GROUPS}
        return {key: size for key, size in found.items() if size}

    def machines(self, key: str) -> list[Record]:
        """The machines of a group."""
        return machines_of(self.world, self.group(key))

    def function(self, region: str) -> Record:
        """The function of a home."""
        [found] = [f for f in self.world.all("gcp", FUNCTION) if f.region == region]
        return found

    def stores(self) -> list[str]:
        """The buckets that hold plan and state."""
        names = [b.name for b in self.world.all("gcp", BUCKET)]
        return [name for name in names if "-code-" not in name]


@contextmanager
def deployed(folder: Path) -> Iterator[Deployed]:
    """Bring the stack up in clouds of its own."""
    world = World(folder / "clouds.db", MARKET)
    world.set_setting("boot_s", "20")
    world.set_setting(f"secret/gcp/{SECRET}", TOKEN)
    try:
        with running(world, speed=20.0) as clouds:
            outputs = stack_of(declare, folder, clouds.attach).up().outputs
            yield Deployed(clouds, tuple(outputs["urls"].value.split(",")))
    finally:
        world.close()
