"""How GCP behaves in time: spot machines that are preempted, groups that make them anew, jobs that come due."""

from __future__ import annotations

from sandbox import bus
from sandbox.gcp.capacity import lose, resize
from sandbox.gcp.deliveries import AUDITED
from sandbox.gcp.links import kind_name
from sandbox.gcp.messages import next_due
from sandbox.gcp.rest import GLOBAL, JOB
from sandbox.kind import Context
from sandbox.life import Side
from sandbox.market import SPOT
from sandbox.world import Record

GROUP = kind_name("instanceGroupManagers")


class GcpSide(Side):
    """See `sandbox.life.Side`. Nothing outside the machine says so before it goes: the audit log tells of it afterwards."""

    group_kinds = (GROUP,)

    def lead_s(self, machine: Record) -> float:
        return float(machine.live["lead_s"]) if machine.body["market"] == SPOT else 0.0

    def reconcile(self, ctx: Context, group: Record) -> None:
        resize(ctx, group)

    def due(self, ctx: Context, record: Record) -> None:
        """A job of the scheduler."""
        if record.kind != JOB:
            return
        now = ctx.world.clock.now()
        ctx.world.wake(record, next_due(record.body["schedule"], now))
        bus.post(
            ctx.world, bus.Event(ctx.cloud, record.region, bus.SCHEDULE, {"job": record.id}, now)
        )

    def gone(self, ctx: Context, machine: Record) -> None:
        group = ctx.world.get(ctx.cloud, GROUP, machine.body["group"])
        if group:
            lose(ctx, group, machine)
        if machine.body["market"] == SPOT:
            body = _preempted(ctx, machine)
            event = bus.Event(ctx.cloud, GLOBAL, AUDITED, body, ctx.world.clock.now())
            bus.post(ctx.world, event)


def _preempted(ctx: Context, machine: Record) -> dict[str, object]:
    """The line of the audit log's system events."""
    project, zone = ctx.account, machine.body["zone"]
    return {
        "insertId": ctx.world.new_hex(12),
        "logName": f"projects/{project}/logs/cloudaudit.googleapis.com%2Fsystem_event",
        "timestamp": ctx.world.clock.iso(),
        "severity": "INFO",
        "resource": {
            "type": "gce_instance",
            "labels": {
                "project_id": project,
                "zone": zone,
                "instance_id": machine.live["number"],
            },
        },
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "serviceName": "compute.googleapis.com",
            "methodName": "compute.instances.preempted",
            "resourceName": f"projects/{project}/zones/{zone}/instances/{machine.name}",
            "request": {"@type": "type.googleapis.com/compute.instances.preempted"},
        },
    }
