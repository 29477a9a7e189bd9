"""The metadata service of an Azure machine: who it is, a token for its identity, and what is scheduled for it."""

from __future__ import annotations

from email.utils import formatdate

from sandbox.azure.machines import SCALE_SETS, machine_id, machine_name
from sandbox.azure.permissions import AUDIENCES, identity_of, token
from sandbox.fields import Json, get
from sandbox.http import Reply, Request
from sandbox.kind import Context
from sandbox.world import Record


def answer(ctx: Context, machine: Record, request: Request) -> Reply:
    """See `sandbox.clouds`."""
    if request.headers.get("metadata", "").lower() != "true" or "x-forwarded-for" in request.headers:  # fmt: skip
        return Reply.of({"error": "Bad request. Required metadata header not specified"}, 400)
    if "api-version" not in request.query:
        return Reply.of({"error": "Bad request. api-version was not specified in the request"}, 400)
    if request.path == "/metadata/instance/compute":
        return Reply.of(_compute(ctx, machine))
    if request.path == "/metadata/identity/oauth2/token":
        return _token(ctx, machine, request)
    if request.path == "/metadata/scheduledevents":
        return Reply.of({}) if request.method == "POST" else Reply.of(_scheduled(machine))
    return Reply.of({"error": "Not found"}, 404)


def _compute(ctx: Context, machine: Record) -> Json:
    zone = machine.body["zone"]
    return {
        "name": machine_name(machine),
        "location": machine.region,
        "vmId": machine.id,
        "vmSize": machine.body["instance_type"],
        "zone": "" if zone == machine.region else zone,
        "resourceId": machine_id(machine),
        "resourceGroupName": machine_id(machine).split("/")[4],
        "subscriptionId": ctx.account,
        "vmScaleSetName": machine.body["group"].rsplit("/", 1)[-1],
    }


def _token(ctx: Context, machine: Record, request: Request) -> Reply:
    scale_set = ctx.world.get(ctx.cloud, SCALE_SETS, machine.body["group"])
    held = get(scale_set.body, "identity.userAssignedIdentities") if scale_set else None
    found = [i for name in held or {} if (i := identity_of(ctx.world, name))]
    audience = request.query.get("resource", "")
    if not found or audience.rstrip("/") not in AUDIENCES:
        error = {"error": "invalid_request", "error_description": "Identity not found"}
        return Reply.of(error, 400)
    return Reply.of(token(ctx.world, found[0], audience))


def _scheduled(machine: Record) -> Json:
    """A preemption, from the moment it is decided."""
    deadline = machine.body["deadline"]
    if deadline is None:
        return {"DocumentIncarnation": 1, "Events": []}
    event = {
        "EventId": f"preempt-{machine.id}-{int(deadline)}",
        "EventType": "Preempt",
        "ResourceType": "VirtualMachine",
        "Resources": [machine_name(machine)],
        "EventStatus": "Scheduled",
        "NotBefore": formatdate(deadline, usegmt=True),
        "Description": "",
        "EventSource": "Platform",
        "DurationInSeconds": -1,
    }
    return {"DocumentIncarnation": 2, "Events": [event]}
