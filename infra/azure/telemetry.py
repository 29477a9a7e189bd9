"""A region's log, for thirty days, and what somebody should hear of: runs that fail, notices that nothing could be done
with, and silence."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import applicationinsights, monitor, operationalinsights

from infra.naming import Owner

_DAYS = 30
_EVERY = "PT5M"
_ALERTS: Mapping[str, tuple[str, str, int]] = {
    "failing": (
        'union AppExceptions, (AppTraces | where Message has \'"ended": "failed"\')',
        "GreaterThan",
        3,
    ),
    "poison": ('AppTraces | where Message has "notices-poison"', "GreaterThan", 0),
    "silent": ('AppRequests | where Name == "tick" and Success', "LessThan", 1),
}
"""Query, comparison and threshold, for the rows of five minutes."""


class Telemetry(pulumi.ComponentResource):
    """`component_id`, `connection`: of Application Insights, which takes telemetry from identities alone."""

    component_id: pulumi.Output[str]
    connection: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        group: pulumi.Output[str],
        region: str,
        owner: Owner,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("skyblend:azure:Telemetry", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        workspace = operationalinsights.Workspace(
            name,
            resource_group_name=group,
            location=region,
            sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
            retention_in_days=_DAYS,
            tags=owner.tags(),
            opts=child,
        )
        component = applicationinsights.Component(
            name,
            resource_group_name=group,
            location=region,
            kind="web",
            application_type="web",
            disable_local_auth=True,
            workspace_resource_id=workspace.id,
            tags=owner.tags(),
            opts=child,
        )
        for what, (query, operator, threshold) in _ALERTS.items():
            monitor.ScheduledQueryRule(
                f"{name}-{what}",
                resource_group_name=group,
                location=region,
                kind="LogAlert",
                scopes=[workspace.id],
                severity=2,
                enabled=True,
                evaluation_frequency=_EVERY,
                window_size=_EVERY,
                criteria=monitor.ScheduledQueryRuleCriteriaArgs(
                    all_of=[
                        monitor.ConditionArgs(
                            query=query,
                            time_aggregation="Count",
                            operator=operator,
                            threshold=threshold,
                        )
                    ]
                ),
                tags=owner.tags(),
                opts=child,
            )
        self.component_id = component.id
        self.connection = component.connection_string
        self.register_outputs({"component_id": self.component_id})
