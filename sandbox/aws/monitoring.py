"""AWS's log groups and alarms."""

from __future__ import annotations

from typing import Any

from sandbox.aws.lookup import ALARM, LOG_GROUP
from sandbox.aws.members import pairs, same, unpaired
from sandbox.aws.naming import NamedKind
from sandbox.aws.row import PROVIDER, REGION
from sandbox.fields import UNKNOWN, Json, many, member, nested
from sandbox.kind import Autoname, Context
from sandbox.refusal import Refusal
from sandbox.world import Record

_RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096),
    *(1827, 2192, 2557, 2922, 3288, 3653),
)
_MISSING = ("breaching", "notBreaching", "ignore", "missing")


class LogGroup(NamedKind):
    """A log group."""

    token = "aws:cloudwatch/logGroup:LogGroup"
    name = LOG_GROUP
    api = "logs.CreateLogGroup"
    ident = named_by = "logGroupName"
    taken = ("ResourceAlreadyExistsException", "The specified log group already exists")
    also = ("PutRetentionPolicy",)
    fields = {
        "deletionProtectionEnabled": member("deletionProtectionEnabled"),
        "kmsKeyId": member("kmsKeyId"),
        "logGroupClass": member("logGroupClass"),
        "name": member("logGroupName"),
        "namePrefix": member(f"{PROVIDER}.namePrefix"),
        "retentionInDays": member("PutRetentionPolicy.retentionInDays"),
        "tags": member("tags"),
    }
    provider_only = REGION | {"skipDestroy"}
    replace_on = REGION | {"logGroupClass", "name", "namePrefix"}
    autoname = Autoname(longest=512, unless=("namePrefix",))
    computed = ("arn", "name", "region", "tagsAll")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        days = body.get("PutRetentionPolicy", {}).get("retentionInDays", UNKNOWN)
        if days != UNKNOWN and days not in _RETENTIONS:
            raise Refusal(
                "InvalidParameterException",
                f"Value '{days}' at 'retentionInDays' must be one of {', '.join(map(str, _RETENTIONS))}",
            )

    def tags(self, body: Json) -> dict[str, str]:
        tags = body.get("tags")
        return dict(tags) if isinstance(tags, dict) else {}

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = self.claim_everywhere(ctx, body)
        return self.add(ctx, name, body, name=name)

    def outputs(self, ctx: Context, record: Record) -> Json:
        arn = f"arn:aws:logs:{record.region}:{ctx.account}:log-group:{record.name}"
        return super().outputs(ctx, record) | {"arn": arn, "name": record.name}


def _dimensions(values: dict[str, Any]) -> list[Json]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


_DIMENSIONS = member(
    "Dimensions", _dimensions, lambda listed: {one["Name"]: one["Value"] for one in listed}
)
_METRIC = {
    "dimensions": member("Metric.Dimensions", _DIMENSIONS.to, _DIMENSIONS.back),
    "metricName": member("Metric.MetricName"),
    "namespace": member("Metric.Namespace"),
    **same("period", "stat", "unit"),
}


class MetricAlarm(NamedKind):
    """An alarm on a metric."""

    token = "aws:cloudwatch/metricAlarm:MetricAlarm"
    name = ALARM
    api = update_api = "cloudwatch.PutMetricAlarm"
    ident = named_by = "AlarmName"
    fields = {
        **same("actionsEnabled", "alarmActions", "alarmDescription", "comparisonOperator"),
        **same("datapointsToAlarm", "evaluationPeriods", "extendedStatistic"),
        **same("insufficientDataActions", "metricName", "namespace", "period", "statistic"),
        **same("threshold", "thresholdMetricId", "treatMissingData", "unit"),
        "dimensions": _DIMENSIONS,
        "evaluateLowSampleCountPercentiles": member("EvaluateLowSampleCountPercentile"),
        "metricQueries": many(
            "Metrics",
            same("accountId", "expression", "id", "label", "period", "returnData")
            | {"metric": nested("MetricStat", _METRIC)},
        ),
        "name": member("AlarmName"),
        "okActions": member("OKActions"),
        "tags": member("Tags", pairs, unpaired),
    }
    left_out = frozenset(
        {"evaluationCriteria", "evaluationInterval", "evaluationWindow", "warmUpConfiguration"}
    )
    replace_on = REGION | {"name"}
    autoname = Autoname(longest=255)
    computed = ("arn", "name", "region", "tagsAll")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        words = body.get("TreatMissingData", UNKNOWN)
        if words not in (*_MISSING, UNKNOWN):
            raise _invalid(f"Invalid TreatMissingData option '{words}'")
        if ("Metrics" in body) == ("MetricName" in body):
            raise _invalid("exactly one of MetricName and Metrics must be specified")
        period = body.get("Period", UNKNOWN)
        if period != UNKNOWN and period not in (10, 20, 30) and period % 60:
            raise _invalid(f"Period {period} must be 10, 20, 30 or a multiple of 60")
        if "MetricName" in body and not {"Statistic", "ExtendedStatistic"} & body.keys():
            raise _invalid("Either Statistic or ExtendedStatistic must be specified")

    def rivals(self, other: Record, body: Json) -> bool:
        """A second alarm of a name takes the place of the first."""
        return False

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = self.claim_everywhere(ctx, body)
        return self.add(ctx, name, body, name=name)

    def outputs(self, ctx: Context, record: Record) -> Json:
        arn = f"arn:aws:cloudwatch:{record.region}:{ctx.account}:alarm:{record.name}"
        return super().outputs(ctx, record) | {"arn": arn, "name": record.name}


def _invalid(words: str) -> Refusal:
    return Refusal("ValidationError", words)
