"""Where telemetry goes, how long it stays, and what somebody is told of."""

from __future__ import annotations

from sandbox.azure.arm import ArmKind, known_value
from sandbox.azure.identity import uuid
from sandbox.fields import Json
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record


class Workspace(ArmKind):
    """A Log Analytics workspace."""

    token = "azure-native:operationalinsights:Workspace"
    name = "Microsoft.OperationalInsights/workspaces"
    name_input = "workspaceName"
    fixed = frozenset({"location"})
    most_name = 63
    computed = (*ArmKind.computed, "customerId")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        days = known_value(body, "properties.retentionInDays")
        if isinstance(days, int) and not 30 <= days <= 730:
            raise Refusal("InvalidParameter", f"'RetentionInDays' is {days}; it must be between 30 and 730.")  # fmt: skip

    def settle(self, ctx: Context, record: Record) -> None:
        record.live.setdefault("customerId", uuid(ctx))

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {"customerId": record.live["customerId"]}


class Component(ArmKind):
    """An Application Insights resource."""

    token = "azure-native:applicationinsights:Component"
    name = "Microsoft.Insights/components"
    name_input = "resourceName"
    fixed = frozenset({"location"})
    most_name = 260
    computed = (*ArmKind.computed, "connectionString", "instrumentationKey")

    def settle(self, ctx: Context, record: Record) -> None:
        record.live.setdefault("instrumentationKey", uuid(ctx))

    def outputs(self, ctx: Context, record: Record) -> Json:
        key = record.live["instrumentationKey"]
        text = f"InstrumentationKey={key};IngestionEndpoint=https://{record.region}.in.applicationinsights.azure.com/"
        facts = {"instrumentationKey": key, "connectionString": text}
        return super().outputs(ctx, record) | facts


class ScheduledQueryRule(ArmKind):
    """An alert on the result of a query."""

    token = "azure-native:monitor:ScheduledQueryRule"
    name = "Microsoft.Insights/scheduledQueryRules"
    name_input = "ruleName"
    fixed = frozenset({"location"})
    most_name = 260
    computed = ("name", "type", "createdWithApiVersion")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if "scopes" not in body.get("properties", {}):
            raise Refusal("BadRequest", "Required property 'scopes' not found in JSON.")

    def outputs(self, ctx: Context, record: Record) -> Json:
        return {"name": record.name, "type": self.name, "createdWithApiVersion": "2024-01-01-preview"}  # fmt: skip
