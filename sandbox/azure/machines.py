"""The machines of scale sets as Azure shows them, and how scale sets behave in time.

A scale set buys when it is told a size and never again: what could not be allocated stays missing under the capacity
that was asked for, and an evicted machine is not replaced.
"""

from __future__ import annotations

import base64
from typing import Any

from sandbox.azure import triggers
from sandbox.azure.apps import SITES
from sandbox.azure.scale_set_rules import PROFILE
from sandbox.bus import SCHEDULE, Event, post
from sandbox.fields import Json, get
from sandbox.kind import Context
from sandbox.life import Side
from sandbox.machines import RUNNING, STARTING, machines_of
from sandbox.world import Record, World

SCALE_SETS = "Microsoft.Compute/virtualMachineScaleSets"
HEALTH = "Microsoft.ResourceNotifications.HealthResources"
ANNOTATED = f"{HEALTH}.ResourceAnnotated"
LEAD_S = 30.0
_STATES = {STARTING: "Creating", RUNNING: "Succeeded"}


def machine_name(machine: Record) -> str:
    """A machine of a Flexible set is called like the set, with eight more characters."""
    return f"{machine.body['group'].rsplit('/', 1)[-1]}_{machine.id[-8:]}"


def machine_id(machine: Record) -> str:
    """Its id: a machine like any other, in the resource group of its set."""
    group = machine.body["group"].split("/providers/")[0]
    return f"{group}/providers/Microsoft.Compute/virtualMachines/{machine_name(machine)}"


def shown(world: World, machine: Record, *, expanded: bool) -> Json:
    """A machine as the API shows it; `expanded`: with its instance view."""
    state = _STATES.get(machine.body["state"], "Deleting")
    inside: Json = {
        "vmId": machine.id,
        "hardwareProfile": {"vmSize": machine.body["instance_type"]},
        "priority": "Spot" if machine.body["market"] == "spot" else "Regular",
        "provisioningState": state,
        "timeCreated": world.clock.iso(machine.body["ready_at"]),
        "virtualMachineScaleSet": {"id": machine.body["group"]},
    }
    if expanded:
        power = "running" if machine.body["state"] == RUNNING else "starting"
        inside["instanceView"] = {"statuses": [{"code": f"PowerState/{power}"}]}
    zone = machine.body["zone"]
    return {
        "id": machine_id(machine),
        "name": machine_name(machine),
        "type": "Microsoft.Compute/virtualMachines",
        "location": machine.region,
        "tags": machine.tags,
        **({} if zone == machine.region else {"zones": [zone]}),
        "properties": inside,
    }


def provisioning(world: World, scale_set: Record) -> str:
    """The state of the set's latest operation."""
    if scale_set.live.get("failed"):
        return "Failed"
    busy = any(m.body["state"] == STARTING for m in machines_of(world, scale_set))
    return "Updating" if busy else "Succeeded"


class AzureSide(Side):
    """See `sandbox.life.Side`."""

    group_kinds = (SCALE_SETS,)

    def lead_s(self, machine: Record) -> float:
        return LEAD_S

    def due(self, ctx: Context, record: Record) -> None:
        """An app's timers: each is called when its time has come, as the host does."""
        if record.kind != SITES:
            return
        now = ctx.world.clock.now()
        planned: dict[str, Any] = record.live.setdefault("timers", {})
        for timer in triggers.of_kind(ctx, record, "timerTrigger"):
            at = planned.get(timer["function"])
            if at is not None and at <= now:
                body = {"app": record.id, "function": timer["function"]}
                post(ctx.world, Event(ctx.cloud, record.region, SCHEDULE, body, now))
            if at is None or at <= now:
                planned[timer["function"]] = triggers.next_time(timer["schedule"], now)
        ctx.world.put(record)
        if planned:
            ctx.world.wake(record, min(planned.values()))

    def gone(self, ctx: Context, machine: Record) -> None:
        """After the fact, health says why: there is no event before the kill but in the machine itself."""
        name = "VirtualMachineLowPriorityEviction" if machine.body["market"] == "spot" else "VirtualMachineDeallocationInitiated"  # fmt: skip
        where = (
            f"{machine_id(machine)}/providers/Microsoft.ResourceHealth/resourceAnnotations/current"
        )
        event = {
            "id": f"health-{machine.id}",
            "source": f"/subscriptions/{ctx.account}",
            "subject": machine_id(machine),
            "type": ANNOTATED,
            "time": ctx.world.clock.iso(),
            "data": {
                "resourceInfo": {
                    "id": where,
                    "name": "current",
                    "type": "Microsoft.ResourceHealth/resourceAnnotations",
                    "properties": {"annotationName": name, "reason": "Unplanned"},
                },
                "apiVersion": "2022-08-01",
            },
        }
        post(ctx.world, Event(ctx.cloud, machine.region, ANNOTATED, event, ctx.world.clock.now()))


def user_data(ctx: Context, machine: Record) -> str:
    """The text that a machine was given to start with."""
    scale_set = ctx.world.get(ctx.cloud, SCALE_SETS, machine.body["group"])
    found = get(scale_set.body, f"{PROFILE}.osProfile.customData") if scale_set else None
    return base64.b64decode(found or "").decode()
