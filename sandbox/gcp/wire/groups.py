"""The calls of the Compute API that read and resize regional managed instance groups."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sandbox.fields import Json
from sandbox.gcp.capacity import SHUTDOWN_S, resize
from sandbox.gcp.life import GROUP
from sandbox.gcp.links import API
from sandbox.gcp.wire.call import Call, Failure, not_found
from sandbox.machines import MACHINE, RUNNING, machines_of
from sandbox.world import Record

_ACTIONS = (
    *("none", "creating", "creatingWithoutRetries", "recreating", "deleting", "abandoning"),
    *("restarting", "refreshing", "verifying"),
)


def list_groups(call: Call) -> Json:
    """regionInstanceGroupManagers.list"""
    call.need("compute.instanceGroupManagers.list", f"projects/{call.ctx.account}")
    groups = [g for g in call.ctx.world.all(call.ctx.cloud, GROUP) if g.region == call.ctx.region]
    most = int(call.request.query.get("maxResults", 500))
    start = int(call.request.query.get("pageToken") or 0)
    page = groups[start : start + most]
    more = {"nextPageToken": str(start + most)} if len(groups) > start + most else {}
    items = {"items": [_group(call, group) for group in page]} if page else {}
    return {
        "kind": "compute#regionInstanceGroupManagerList",
        "id": f"projects/{call.ctx.account}/regions/{call.ctx.region}/instanceGroupManagers",
        **items,
        **more,
    }


def get_group(call: Call) -> Json:
    """regionInstanceGroupManagers.get"""
    return _group(call, _needed(call, "get"))


def list_machines(call: Call) -> Json:
    """regionInstanceGroupManagers.listManagedInstances"""
    return {"managedInstances": managed(call, _needed(call, "get"))}


def list_errors(call: Call) -> Json:
    """regionInstanceGroupManagers.listErrors"""
    told = _needed(call, "get").live.get("told", [])
    return {"items": told} if told else {}


def set_size(call: Call) -> Json:
    """regionInstanceGroupManagers.resize"""
    group = _needed(call, "update")
    asked = call.request.query.get("size", "")
    if not asked.isdigit():
        raise Failure(400, "invalid", f"Invalid value for field 'size': '{asked}'. Must be greater than or equal to 0.")  # fmt: skip
    group.body["targetSize"] = int(asked)
    resize(call.ctx, group)
    return _operation(call, group, "compute.instanceGroupManagers.resize")


def delete_machines(call: Call) -> Json:
    """regionInstanceGroupManagers.deleteInstances: the machines go, and the size with them."""
    group = _needed(call, "update")
    names = {str(url).rsplit("/", 1)[-1] for url in call.request.json().get("instances", ())}
    for machine in machines_of(call.ctx.world, group):
        if machine.name in names:
            call.ctx.world.remove(machine)
            group.body["targetSize"] -= 1
    resize(call.ctx, group)
    return _operation(call, group, "compute.instanceGroupManagers.deleteInstances")


def get_machine(call: Call) -> Json:
    """instances.get"""
    call.need("compute.instances.get", call.request.path)
    zone, name = call.parts["zone"], call.parts["name"]
    for machine in call.ctx.world.all(call.ctx.cloud, MACHINE):
        if (machine.body["zone"], machine.name) == (zone, name):
            return {
                "kind": "compute#instance",
                "id": machine.live["number"],
                "name": name,
                "zone": f"{API}projects/{call.ctx.account}/zones/{zone}",
                "machineType": f"{API}projects/{call.ctx.account}/zones/{zone}/machineTypes/{machine.body['instance_type']}",
                "status": _status(call, machine),
                "labels": machine.tags,
            }
    raise not_found(f"projects/{call.ctx.account}/zones/{zone}/instances/{name}")


def get_operation(call: Call) -> Json:
    """regionOperations.get and .wait: what is asked of a group is done when it is accepted."""
    call.need("compute.regionOperations.get", call.request.path)
    return _done(call, call.parts["name"], {})


def managed(call: Call, group: Record) -> list[Json]:
    """The machines, and the places for which there is none yet."""
    machines = [_machine(call, machine) for machine in machines_of(call.ctx.world, group)]
    return machines + [_place(call, group, place) for place in group.live.get("vacant", [])]


def _needed(call: Call, verb: str) -> Record:
    record_id = f"projects/{call.ctx.account}/regions/{call.ctx.region}/instanceGroupManagers/{call.parts['name']}"
    call.need(f"compute.instanceGroupManagers.{verb}", record_id)
    group = call.ctx.world.get(call.ctx.cloud, GROUP, record_id)
    if group is None:
        raise not_found(record_id)
    return group


def _group(call: Call, group: Record) -> Json:
    actions = Counter(_action_key(one["currentAction"]) for one in managed(call, group))
    stable = not (actions.keys() - {"none"})
    link = group.live["selfLink"]
    return {
        **group.body,
        "kind": "compute#instanceGroupManager",
        "id": group.live["number"],
        "name": group.name,
        "region": f"{API}projects/{call.ctx.account}/regions/{group.region}",
        "selfLink": link,
        "instanceGroup": link.replace("/instanceGroupManagers/", "/instanceGroups/"),
        "currentActions": {name: actions.get(name, 0) for name in _ACTIONS},
        "status": {"isStable": stable},
    }


def _action_key(action: str) -> str:
    first, *rest = action.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def _machine(call: Call, machine: Record) -> Json:
    status = _status(call, machine)
    action = "CREATING" if status == "STAGING" else "NONE"
    return {
        "id": machine.live["number"],
        "name": machine.name,
        "instance": f"{API}projects/{call.ctx.account}/zones/{machine.body['zone']}/instances/{machine.name}",
        "instanceStatus": status,
        "currentAction": action,
    }


def _place(call: Call, group: Record, place: Json) -> Json:
    told: list[Json] = group.live["errors"]
    errors: Any = {"errors": {"errors": [one["error"] for one in told]}} if told else {}
    zone = place["zone"] or f"{group.region}-a"
    return {
        "name": place["name"],
        "instance": f"{API}projects/{call.ctx.account}/zones/{zone}/instances/{place['name']}",
        "currentAction": "RECREATING" if place["lost"] else "CREATING",
        "lastAttempt": errors,
    }


def _status(call: Call, machine: Record) -> str:
    deadline = machine.body["deadline"]
    if deadline is not None and call.ctx.world.clock.now() >= deadline - SHUTDOWN_S:
        return "STOPPING"
    return "RUNNING" if machine.body["state"] == RUNNING else "STAGING"


def _operation(call: Call, group: Record, kind: str) -> Json:
    name = f"operation-{call.ctx.world.new_hex(20)}"
    return _done(call, name, {"operationType": kind, "targetLink": group.live["selfLink"]})


def _done(call: Call, name: str, more: Json) -> Json:
    region = f"{API}projects/{call.ctx.account}/regions/{call.ctx.region}"
    return {
        "kind": "compute#operation",
        "id": str(int(name.encode().hex()[-15:], 16)),
        "name": name,
        "region": region,
        "selfLink": f"{region}/operations/{name}",
        "status": "DONE",
        "progress": 100,
        "insertTime": call.ctx.world.clock.iso(),
        **more,
    }
