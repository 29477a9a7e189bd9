"""Regional managed instance groups."""

from __future__ import annotations

from sandbox.fields import Json
from sandbox.gcp.capacity import TEMPLATE, resize, template_of
from sandbox.gcp.group_fields import GROUP
from sandbox.gcp.group_rules import check_group
from sandbox.gcp.links import Link
from sandbox.gcp.resource import ComputeResource
from sandbox.kind import CREATE, Context, Request
from sandbox.machines import MACHINE, end_all, machines_of
from sandbox.refusal import Refusal
from sandbox.world import Record

_RESIZE = "compute.regionInstanceGroupManagers.resize"
_SET_PORTS = "compute.regionInstanceGroups.setNamedPorts"


class RegionInstanceGroupManager(ComputeResource):
    """A managed instance group over the zones of a region."""

    token = "gcp:compute/regionInstanceGroupManager:RegionInstanceGroupManager"
    collection, word = "instanceGroupManagers", "instance_group_manager"
    api = "compute.regionInstanceGroupManagers.insert"
    update_api = "compute.regionInstanceGroupManagers.patch"
    links = (
        TEMPLATE,
        Link("autoHealingPolicies[].healthCheck", "healthChecks", "health_check"),
    )
    keeps = (
        *("targetSize", "targetStoppedSize", "targetSuspendedSize", "distributionPolicy.zones"),
        *("distributionPolicy.targetShape", "updatePolicy", "standbyPolicy"),
        "instanceLifecyclePolicy",
    )
    fields = GROUP
    provider_only = frozenset({"waitForInstances", "waitForInstancesStatus"})
    replace_on = frozenset({"description", "baseInstanceName", "distributionPolicyZones"})
    size_path = "targetSize"
    defaults = {"waitForInstances": False, "waitForInstancesStatus": "STABLE"}
    computed = (
        *("targetSize", "instanceGroup", "instanceGroupManagerId"),
        *("fingerprint", "statuses"),
    )

    def requests(self, body: Json, verb: str) -> list[Request]:
        """The group itself; then the size by a verb of its own, and named ports on the group behind it."""
        apart = ("namedPorts",) if verb == CREATE else ("namedPorts", "targetSize")
        group = {name: value for name, value in body.items() if name not in apart}
        if verb == CREATE:
            calls = [Request(self.api, {"targetSize": 0} | group)]
        else:
            calls = [Request(self.update_api, group)]
            if "targetSize" in body:
                calls.append(Request(_RESIZE, {"size": body["targetSize"]}))
        if "namedPorts" in body:
            calls.append(Request(_SET_PORTS, {"namedPorts": body["namedPorts"]}))
        return calls

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        super().rules(ctx, body, verb)
        check_group(ctx, body)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        record = super().create(ctx, {"targetSize": 0} | body, inputs)
        self._buy(ctx, record, inputs)
        return record

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        """The provider resizes only if the program's size changed; a size set by others meanwhile stays.

        A changed template replaces running machines if the update policy is proactive.
        """
        if body.get("targetSize") == ctx.olds.get("targetSize"):
            body.pop("targetSize", None)
        before = template_of(ctx, record)
        super().update(ctx, record, body, inputs)
        after = template_of(ctx, record)
        rolls = (record.body.get("updatePolicy") or {}).get("type") == "PROACTIVE"
        if rolls and before and after and before.id != after.id:
            end_all(ctx.world, record)
        self._buy(ctx, record, inputs)

    def _buy(self, ctx: Context, record: Record, inputs: Json) -> None:
        """Buy machines; a provider that waits for them fails when they do not come."""
        shortfalls = resize(ctx, record)
        if shortfalls and inputs.get("waitForInstances"):
            raise Refusal(
                "Error waiting for instances to reach the desired state",
                f"{len(machines_of(ctx.world, record))} of {record.body['targetSize']} are running after 15m0s: "
                f"{record.live['errors'][0]['error']['code']}",
            )

    def delete(self, ctx: Context, record: Record) -> None:
        users = [child for child in ctx.world.children(record) if child.kind != MACHINE]
        if not users:
            end_all(ctx.world, record)
        super().delete(ctx, record)

    def extra(self, record: Record) -> Json:
        link = record.live["selfLink"]
        return {
            "targetSize": record.body["targetSize"],
            "instanceGroup": link.replace("/instanceGroupManagers/", "/instanceGroups/"),
            "instanceGroupManagerId": int(record.live["number"][:15]),
            "fingerprint": record.live["number"],
            "statuses": [{"isStable": not record.live["errors"]}],
        }
