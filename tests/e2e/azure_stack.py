"""A small stack with the reactor of Azure, in the emulated Azure: two regions with a function, machines with watchers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from pulumi_azure_native import compute, resources

from allocator.plan import Engine
from infra import replica
from infra.azure.reactor import Reactor
from infra.naming import Owner
from infra.package import package_file
from infra.reactors import DeclaredGroup, ReactorArgs
from infra.settings import read_settings
from reactor.contract import RuntimePlan
from reactor.published import Label, Published, Target
from sandbox import callers
from sandbox.azure.machines import SCALE_SETS, user_data
from sandbox.azure.permissions import ARM
from sandbox.clouds import context, endpoint
from sandbox.machines import machines_of
from sandbox.market import Market
from sandbox.server import Running, running
from sandbox.world import Record, World
from tests.infra import plans
from tests.infra.declared import SSH_KEY
from tests.reactor.builders import UNIT, group
from tests.sandbox.foreign import sale, stack_of

HOMES = ("eastus", "westus")
OWNER = Owner("skyblend", "test")
SECRET, TOKEN = "https://vault.example/secrets/replan", "open-sesame"
GROUPS = {f"{region}-spot": region for region in HOMES} | {"eastus-fallback": "eastus"}
T4 = "Standard_NC4as_T4_v3"
MARKET = Market([sale("azure", region, region, T4, gpu="T4") for region in HOMES])
IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"


def plan() -> Published:
    """Twenty nodes, ten in each region, over the stack's groups."""
    groups = [
        group(
            key,
            key.rsplit("-", 1)[-1],
            cloud="azure",
            region=region,
            zones=(),
            planned_nodes=10 if key.endswith("spot") else 0,
            max_nodes=24,
            cold_start_s=0.0,
            notice_s=30.0,
            fallback=("eastus-fallback",) if key.endswith("spot") else (),
        )
        for key, region in GROUPS.items()
    ]
    runtime = RuntimePlan("d1", 20 * UNIT, 0, tuple(sorted(groups, key=lambda g: g.key)))
    return Published(OWNER.stack, "azure", runtime, (), Label("skyblend-stack", OWNER.stack))


def text(ids: Mapping[str, str]) -> str:
    """The plan with the ids of its groups."""
    targets = tuple(Target(key, name, GROUPS[key]) for key, name in sorted(ids.items()))
    return replace(plan(), targets=targets).to_json()


def declare() -> None:
    """The program. A spot group in each region, one on demand, and one of somebody else's."""
    dispatch = {"kind": "github", "url": "http://api.example/x", "token_secret": {"azure": SECRET}}
    raw = {"reactor": {"dispatch": dispatch}, "azure": {"admin_ssh_key": SSH_KEY}}
    args = ReactorArgs(OWNER, read_settings(raw, {"azure"}), HOMES, HOMES, package_file("azure"))
    reactor = Reactor("azure-reactor", args)
    cells = {
        region: resources.ResourceGroup(f"azure-{region}", location=region, tags=OWNER.tags())
        for region in HOMES
    }
    sets = {key: _set(key, cells[region], reactor, OWNER) for key, region in GROUPS.items()}
    declared = [DeclaredGroup(key, each.id, GROUPS[key]) for key, each in sets.items()]
    _set(
        "strangers-spot",
        resources.ResourceGroup("strangers", location="eastus"),
        reactor,
        Owner("skyblend", "other"),
    )
    reactor.publish(declared, lambda ids, _: text(ids), addresses={}, after=list(sets.values()))


def _set(
    key: str, cell: resources.ResourceGroup, reactor: Reactor, owner: Owner
) -> compute.VirtualMachineScaleSet:
    spot = key.endswith("spot")
    pool = plans.pool(plans.AZURE)
    data = reactor.notices.urls.apply(
        lambda queues: replica.user_data(Engine("m", "i"), pool, queues.split(","))
    )
    return compute.VirtualMachineScaleSet(
        key,
        resource_group_name=cell.name,
        location=cell.location,
        orchestration_mode="Flexible",
        platform_fault_domain_count=1,
        sku=compute.SkuArgs(name=T4, tier="Standard", capacity=0),
        identity=compute.VirtualMachineScaleSetIdentityArgs(
            type=compute.ResourceIdentityType.USER_ASSIGNED,
            user_assigned_identities=[reactor.notices.identity],
        ),
        virtual_machine_profile=compute.VirtualMachineScaleSetVMProfileArgs(
            priority="Spot" if spot else "Regular",
            eviction_policy="Delete" if spot else None,
            os_profile=compute.VirtualMachineScaleSetOSProfileArgs(
                computer_name_prefix="n", admin_username="ops", custom_data=data
            ),
        ),
        tags=owner.tags(key),
    )


@dataclass(frozen=True)
class Deployed:
    """The stack while its cloud is served."""

    running: Running

    @property
    def world(self) -> World:
        return self.running.world

    @property
    def api(self) -> str:
        return endpoint(self.world, "azure")

    @property
    def ca(self) -> str:
        return self.world.setting("endpoint/ca", "")

    def group(self, key: str) -> Record:
        """The scale set of a key."""
        [found] = [g for g in self.world.all("azure", SCALE_SETS) if g.name.startswith(key)]
        return found

    def sizes(self) -> dict[str, int]:
        """How many machines the stack's groups have, where they have any."""
        found = {key: len(machines_of(self.world, self.group(key))) for key in GROUPS}
        return {key: size for key, size in found.items() if size}

    def machines(self, key: str) -> list[Record]:
        """The machines of a group."""
        return machines_of(self.world, self.group(key))

    def token(self, whose: str, audience: str = ARM) -> str:
        """A token of an identity: of a function by its region, of machines or events."""
        [identity] = [
            i
            for i in self.world.all("azure", IDENTITIES)
            if i.name.startswith(f"azure-reactor-{whose}")
        ]
        principal = f"{identity.live['principalId']} {audience}"
        return callers.issue(self.world, "azure", principal)

    @contextmanager
    def watchers(self, machines: list[Record], folder: Path) -> Iterator[None]:
        """What the machines' user data installs, as processes beside their metadata services."""
        started = [self._watcher(machine, folder / machine.id) for machine in machines]
        try:
            yield
        finally:
            for process in started:
                process.kill()
                process.wait()

    def _watcher(self, machine: Record, folder: Path) -> subprocess.Popen[bytes]:
        data = user_data(context(self.world, "azure", machine.region), machine)
        files = {f["path"]: f["content"] for f in yaml.safe_load(data)["write_files"]}
        folder.mkdir()
        script = folder / "watcher.py"
        script.write_text(files["/opt/skyblend/watcher.py"])
        lines = files["/etc/skyblend/watcher.env"].splitlines()
        env = {name: value.strip('"') for name, value in (line.split("=", 1) for line in lines)}
        env |= {
            "PATH": os.environ["PATH"],
            "SSL_CERT_FILE": self.ca,
            "SKYBLEND_DRAIN": "",
            "SKYBLEND_METADATA": self.running.metadata.url(machine),
            "SKYBLEND_NOTICE_VIA": self.api,
        }
        with (folder / "log").open("wb") as log:
            return subprocess.Popen([sys.executable, str(script)], env=env, stdout=log, stderr=log)


@contextmanager
def deployed(folder: Path) -> Iterator[Deployed]:
    """Bring the stack up in clouds of its own."""
    world = World(folder / "clouds.db", MARKET)
    world.set_setting("boot_s", "20")
    world.set_setting("stock", "24")
    world.set_setting(f"secret/azure/{SECRET}", TOKEN)
    try:
        with running(world, speed=20.0) as clouds:
            stack_of(declare, folder, clouds.attach).up()
            yield Deployed(clouds)
    finally:
        world.close()
