"""How AWS behaves in time: spot machines that are taken, groups that mend themselves, schedules."""

from __future__ import annotations

from sandbox import bus
from sandbox.aws.activities import at_risk, bridge_event, interrupted, state_changed
from sandbox.aws.bridge import period_s, rule_arn
from sandbox.aws.capacity import reconcile
from sandbox.aws.lookup import GROUP, RULE
from sandbox.kind import Context
from sandbox.life import Side
from sandbox.market import SPOT
from sandbox.world import Record

LEAD_S = 120.0


class AwsSide(Side):
    """See `sandbox.life.Side`. A rebalance recommendation comes with the warning, as it often does."""

    group_kinds = (GROUP,)

    def lead_s(self, machine: Record) -> float:
        return LEAD_S if machine.body["market"] == SPOT else 0.0

    def reconcile(self, ctx: Context, group: Record) -> None:
        reconcile(ctx, group)

    def due(self, ctx: Context, record: Record) -> None:
        """A rule with a schedule."""
        schedule = record.body.get("ScheduleExpression")
        if record.kind != RULE or schedule is None:
            return
        now = ctx.world.clock.now()
        ctx.world.wake(record, now + period_s(schedule))
        event = bridge_event(ctx, "aws.events", "Scheduled Event", [rule_arn(ctx, record)], {})
        body = {"rule": record.id, "event": event}
        bus.post(ctx.world, bus.Event(ctx.cloud, record.region, bus.SCHEDULE, body, now))

    def running(self, ctx: Context, machine: Record) -> None:
        state_changed(ctx, machine, "running")

    def warned(self, ctx: Context, machine: Record) -> None:
        if machine.body["market"] == SPOT:
            at_risk(ctx, machine)
            interrupted(ctx, machine)

    def gone(self, ctx: Context, machine: Record) -> None:
        state_changed(ctx, machine, "terminated")
