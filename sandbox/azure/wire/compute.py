"""Scale sets and machines over the resource manager: read, list, and PATCH of a set's capacity."""

from __future__ import annotations

import re
from typing import Any

from sandbox.azure import vendor
from sandbox.azure.arm import known_value
from sandbox.azure.machines import SCALE_SETS, machine_id, provisioning, shown
from sandbox.azure.resize import Short, resize
from sandbox.azure.wire.answers import arm_error
from sandbox.azure.wire.manager import Call, Handler
from sandbox.clouds import context_of, endpoint
from sandbox.fields import Json
from sandbox.http import Reply
from sandbox.machines import MACHINE, machines_of
from sandbox.refusal import Refusal
from sandbox.world import Record, World

_MACHINES = "Microsoft.Compute/virtualMachines"
_UPDATE = ("compute", "VirtualMachineScaleSetUpdate")


def _list_sets(call: Call) -> Reply:
    action = f"{SCALE_SETS}/read"
    if not call.may(action, call.path["group"]):
        return call.denied(action, call.path["group"])
    inside = f"{call.path['group']}/providers/".lower()
    sets = [r for r in call.world.all("azure", SCALE_SETS) if r.id.lower().startswith(inside)]
    return call.page([_set_shown(call.world, each) for each in sets], action)


def _list_machines(call: Call) -> Reply:
    action = f"{_MACHINES}/read"
    if not call.may(action, call.path["group"]):
        return call.denied(action, call.path["group"])
    expanded, chosen = "$expand" in call.request.query, call.request.query.get("$filter", "")
    if expanded and not chosen:
        return arm_error(400, "BadRequest", "$expand of the instance view needs a $filter by scale set.", action=action)  # fmt: skip
    wanted = re.fullmatch(r"'?virtualMachineScaleSet/id'? eq '([^']+)'", chosen)
    if chosen and wanted is None:
        return arm_error(400, "BadRequest", f"The filter '{chosen}' is not valid.", action=action)
    inside = f"{call.path['group']}/providers/".lower()
    found = [
        m for m in call.world.all("azure", MACHINE) if m.body["group"].lower().startswith(inside)
    ]
    if wanted:
        found = [m for m in found if m.body["group"].lower() == wanted[1].lower()]
    return call.page([shown(call.world, m, expanded=expanded) for m in found], action)


def _get_machine(call: Call) -> Reply:
    action = f"{_MACHINES}/read"
    if not call.may(action, call.request.path):
        return call.denied(action, call.request.path)
    for machine in call.world.all("azure", MACHINE):
        if machine_id(machine).lower() == call.request.path.lower():
            view = shown(call.world, machine, expanded="$expand" in call.request.query)
            return Reply.of(view, action=action)
    return _gone(call.request.path, action)


def _get_set(call: Call) -> Reply:
    return _with_set(call, "read", lambda s, a: Reply.of(_set_shown(call.world, s), action=a))  # fmt: skip


def _get_view(call: Call) -> Reply:
    def view(scale_set: Record, action: str) -> Reply:
        failed = scale_set.live.get("failed")
        state = provisioning(call.world, scale_set).lower()
        status = {"code": f"ProvisioningState/{state}", "level": "Error" if failed else "Info"}
        status["time"] = failed["time"] if failed else call.world.clock.iso()
        if failed:
            status |= {"displayStatus": "Provisioning failed", "message": failed["message"]}
        return Reply.of({"statuses": [status]}, action=action)

    return _with_set(call, "instanceView/read", view)


def _get_members(call: Call) -> Reply:
    def names(scale_set: Record, action: str) -> Reply:
        members = [{"id": machine_id(m), "name": machine_id(m).rsplit("/", 1)[-1]} for m in machines_of(call.world, scale_set)]  # fmt: skip
        return Reply.of({"value": members}, action=action)

    return _with_set(call, "virtualMachines/read", names)


def _patch_set(call: Call) -> Reply:
    """Accepted at once, carried out later: what cannot be had then shows in the operation and in the set's state."""

    def patch(scale_set: Record, action: str) -> Reply:
        try:
            body = call.request.json()
            vendor.check_model(_UPDATE, body)
        except ValueError:
            return arm_error(400, "InvalidRequestContent", "The request content was invalid and could not be deserialized.", action=action)  # fmt: skip
        except Refusal as refusal:
            return arm_error(400, refusal.code, refusal.message, action=action)
        for joined, at in _joins(scale_set.body):
            if not call.may(joined, at):
                return arm_error(403, "LinkedAuthorizationFailed", f"The client has permission to perform action '{action}' on scope '{scale_set.id}', however it does not have permission to perform action '{joined}' on the linked scope(s) '{at}'.", action=action)  # fmt: skip
        tag = call.request.headers.get("if-match")
        if tag and tag.strip('"') != _etag(scale_set):
            return arm_error(412, "PreconditionFailed", "The condition 'If-Match' is not met.", action=action)  # fmt: skip
        try:
            resize(context_of(call.world, scale_set), scale_set, body)
        except Short as short:
            return arm_error(409, short.code, short.message, action=action)
        except Refusal as refusal:
            return arm_error(400, refusal.code, refusal.message, action=action)
        where = f"{call.path['group']}/providers/Microsoft.Compute/operations/{_etag(scale_set)}"
        query = f"?api-version={call.request.query['api-version']}&set={scale_set.name}"
        operation = f"{endpoint(call.world, 'azure')}{where}{query}"
        after = _set_shown(call.world, scale_set)
        return Reply.of(after, action=action, Azure_AsyncOperation=operation, Retry_After="1")

    with call.world.change():
        return _with_set(call, "write", patch)


def _operation(call: Call) -> Reply:
    """How the set's latest operation stands."""

    def status(scale_set: Record, action: str) -> Reply:
        state = provisioning(call.world, scale_set)
        word = {"Updating": "InProgress"}.get(state, state)
        failed = scale_set.live.get("failed")
        error = {"error": {k: failed[k] for k in ("code", "message")}} if failed else {}
        return Reply.of({"name": call.path["name"], "status": word} | error, action=action)

    return _with_set(call, "read", status, named=call.request.query.get("set", ""))


def _with_set(call: Call, verb: str, then: Any, *, named: str = "") -> Reply:
    where = f"{call.path['group']}/providers/{SCALE_SETS}/{named or call.path['name']}"
    action = f"{SCALE_SETS}/{verb}"
    if not call.may(action, where):
        return call.denied(action, where)
    for scale_set in call.world.all("azure", SCALE_SETS):
        if scale_set.id.lower() == where.lower():
            reply: Reply = then(scale_set, action)
            return reply
    return _gone(where, action)


def _gone(where: str, action: str) -> Reply:
    return arm_error(404, "ResourceNotFound", f"The Resource '{where.split('/providers/')[-1]}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", action=action)  # fmt: skip


def _set_shown(world: World, scale_set: Record) -> Json:
    inside = scale_set.body.get("properties", {})
    state = {"provisioningState": provisioning(world, scale_set), "uniqueId": scale_set.live["uniqueId"]}  # fmt: skip
    facts = {"id": scale_set.id, "name": scale_set.name, "type": SCALE_SETS, "location": scale_set.region, "etag": f'"{_etag(scale_set)}"'}  # fmt: skip
    return scale_set.body | facts | {"properties": inside | state}


def _etag(scale_set: Record) -> str:
    return str(scale_set.live.get("version", 1))


def _joins(body: Json) -> list[tuple[str, str]]:
    """What the machines of a set are joined to: the caller needs the right to join each, though it only sets a size."""
    found = []
    network = known_value(body, "properties.virtualMachineProfile.networkProfile") or {}
    for interface in network.get("networkInterfaceConfigurations") or ():
        for address in interface.get("properties", {}).get("ipConfigurations") or ():
            inside = address.get("properties", {})
            if subnet := (inside.get("subnet") or {}).get("id"):
                found.append(("Microsoft.Network/virtualNetworks/subnets/join/action", subnet))
            for pool in inside.get("loadBalancerBackendAddressPools") or ():
                found.append(("Microsoft.Network/loadBalancers/backendAddressPools/join/action", pool["id"]))  # fmt: skip
    for identity in known_value(body, "identity.userAssignedIdentities") or {}:
        found.append(("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", identity))
    return found


_COMPUTE = r"(?P<group>/subscriptions/[^/]+/resourcegroups/[^/]+)/providers/microsoft\.compute"
_NAME = r"(?P<name>[^/]+)"
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", rf"{_COMPUTE}/virtualmachinescalesets", _list_sets),
    ("GET", rf"{_COMPUTE}/virtualmachinescalesets/{_NAME}", _get_set),
    ("PATCH", rf"{_COMPUTE}/virtualmachinescalesets/{_NAME}", _patch_set),
    ("GET", rf"{_COMPUTE}/virtualmachinescalesets/{_NAME}/instanceview", _get_view),
    ("GET", rf"{_COMPUTE}/virtualmachinescalesets/{_NAME}/virtualmachines", _get_members),
    ("GET", rf"{_COMPUTE}/virtualmachines", _list_machines),
    ("GET", rf"{_COMPUTE}/virtualmachines/{_NAME}", _get_machine),
    ("GET", rf"{_COMPUTE}/operations/{_NAME}", _operation),
)
"""Method, path (in any case), what answers."""
