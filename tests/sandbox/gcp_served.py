"""GCP while it is served: a small cloud with a group of spot machines, a function that resizes it, and all that calls it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox.assets import SIGNATURE
from sandbox.clouds import endpoint
from sandbox.gcp import KINDS
from sandbox.gcp.permissions import OWNER, bearer
from sandbox.kind import Context, Kind
from sandbox.machines import machines_of
from sandbox.server import Running, running
from sandbox.world import Record
from tests.sandbox.gcp_builders import PROJECT, REGION, context, create, template

ROWS: dict[str, Kind] = {kind.token.rsplit(":", 1)[-1]: kind for kind in KINDS}
LOOP = tuple(f"compute.instanceGroupManagers.{verb}" for verb in ("get", "list", "update"))
STORE = "plans-9"


@dataclass(frozen=True)
class Served:
    """The cloud and where it is served."""

    ctx: Context
    running: Running

    @property
    def url(self) -> str:
        return endpoint(self.ctx.world, "gcp")

    def make(self, word: str, **inputs: Any) -> Record:
        """A resource of a type, by its last word."""
        return create(
            replace(self.ctx, region=inputs.get("location", REGION)), ROWS[word], **inputs
        )

    def account(self, name: str) -> str:
        """A new service account's address."""
        self.make("Account", accountId=name)
        return f"{name}@{PROJECT}.iam.gserviceaccount.com"

    def token(self, email: str = "") -> str:
        """An access token of an account, by default of who may do everything."""
        return bearer(self.ctx.world, f"serviceAccount:{email}" if email else OWNER)

    def now(self, record: Record) -> Record:
        """The record as it is now."""
        found = self.ctx.world.get(record.cloud, record.kind, record.id)
        assert found
        return found

    def machines(self, of: Record) -> list[Record]:
        """A group's machines."""
        return machines_of(self.ctx.world, of)


@contextmanager
def served(folder: Path, speed: float = 1.0) -> Iterator[Served]:
    """Serve a cloud of its own; machines boot in ten of its seconds."""
    ctx = context(folder)
    ctx.world.set_setting("boot_s", "10")
    with running(ctx.world, speed) as opened:
        yield Served(ctx, opened)
    ctx.world.close()


def spot_group(
    cloud: Served, name: str = "spots", *, stack: str = "test", **changes: Any
) -> Record:
    """A spot group that labels its machines with a stack; its machines run as the account `machine`."""
    email = f"machine@{PROJECT}.iam.gserviceaccount.com"
    made = template(
        cloud.ctx,
        f"{name}-tpl",
        serviceAccount={"email": email, "scopes": ["cloud-platform"]},
        metadata={"user-data": "#cloud-config"},
    )
    usual = {
        "name": name,
        "baseInstanceName": name,
        "versions": [{"instanceTemplate": made.live["selfLink"]}],
        "allInstancesConfig": {"labels": {"skyblend-stack": stack}},
        "targetSize": 0,
    }
    return create(
        cloud.ctx,
        ROWS["RegionInstanceGroupManager"],
        **({"distributionPolicyTargetShape": "BALANCED"} | usual | changes),
    )


def reactor_account(cloud: Served) -> str:
    """An account that may resize groups of the project and write one bucket."""
    email = cloud.account("reactor")
    role = cloud.make("IAMCustomRole", roleId="resizer", title="Resizer", permissions=list(LOOP))
    cloud.make("IAMMember", role=role.id, member=f"serviceAccount:{email}")
    cloud.make("Bucket", name=STORE, location=REGION, forceDestroy=True)
    cloud.make("BucketIAMMember", bucket=STORE, role="roles/storage.objectUser", member=f"serviceAccount:{email}")  # fmt: skip
    return email


def function(cloud: Served, package: Path, **service: Any) -> Record:
    """A function of a package, with a topic of preemptions and new plans pushed to it, a timer and dead letters."""
    asset = {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "path": str(package)}
    cloud.make("BucketObject", bucket=STORE, name="code.zip", source=asset)
    made = cloud.make(
        "Function",
        name="reactor",
        location=REGION,
        buildConfig={
            "runtime": "python312",
            "entryPoint": "react",
            "source": {"storageSource": {"bucket": STORE, "object": "code.zip"}},
        },
        serviceConfig={
            "serviceAccountEmail": f"reactor@{PROJECT}.iam.gserviceaccount.com",
            "timeoutSeconds": 60,
            "maxInstanceCount": 2,
            "maxInstanceRequestConcurrency": 8,
            **service,
        },
    )
    caller = cloud.account("caller")
    for email in (caller, f"machine@{PROJECT}.iam.gserviceaccount.com"):
        cloud.make("ServiceIamMember", name="reactor", location=REGION, role="roles/run.invoker", member=f"serviceAccount:{email}")  # fmt: skip
    return made


def until(done: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait for something to be true; what it was."""
    end = time.monotonic() + seconds
    while not (value := done()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return value
