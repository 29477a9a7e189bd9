"""Makes resources of the emulated Google Cloud without an engine: inputs in, record out."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.gcp.groups import RegionInstanceGroupManager
from sandbox.gcp.templates import RegionInstanceTemplate
from sandbox.kind import CREATE, UPDATE, Context, Kind
from sandbox.world import Record, World
from tests.sandbox.foreign import MARKET

PROJECT, REGION = "emulated-project", "us-central1"
ZONES = [f"{REGION}-a", f"{REGION}-b"]
GROUP = RegionInstanceGroupManager()
SPOT = {"provisioningModel": "SPOT", "preemptible": True, "automaticRestart": False}


def context(folder: Path) -> Context:
    """An account in an empty cloud that is kept in a folder."""
    return Context(World(folder / "clouds.db", MARKET), "gcp", REGION, PROJECT)


def create(ctx: Context, kind: Kind, **inputs: Any) -> Record:
    """Check and create, as the provider does."""
    body = kind.body(inputs)
    kind.check(ctx, body, CREATE)
    with ctx.world.change():
        return kind.create(ctx, body, inputs)


def update(ctx: Context, kind: Kind, record: Record, olds: dict[str, Any], **news: Any) -> None:
    """Check and update; `news` are the inputs that change."""
    inputs = olds | news
    body = kind.body(copy.deepcopy(inputs))
    kind.check(ctx, body, UPDATE)
    kind.update(replace(ctx, olds=olds), record, body, inputs)


def template(ctx: Context, name: str = "tpl", **changes: Any) -> Record:
    """A spot template with one GPU, but for what is changed."""
    usual = {"name": name, "machineType": "g2-standard-4", "disks": [{}], "scheduling": SPOT}
    return create(ctx, RegionInstanceTemplate(), **(usual | changes))


def group_inputs(template_record: Record, **changes: Any) -> dict[str, Any]:
    """A balanced group of four, but for what is changed."""
    usual = {
        "name": "group",
        "baseInstanceName": "replica",
        "versions": [{"instanceTemplate": template_record.live["selfLink"]}],
        "distributionPolicyZones": ZONES,
        "distributionPolicyTargetShape": "BALANCED",
        "targetSize": 4,
    }
    return usual | changes


def group(ctx: Context, **changes: Any) -> Record:
    """The group, with a template of its own."""
    return create(ctx, GROUP, **group_inputs(template(ctx), **changes))
