"""AWS's event rules and their targets, on the default bus of a region."""

from __future__ import annotations

import re
from typing import Any

from sandbox.aws.identity import taken_by
from sandbox.aws.lookup import RULE, TARGET
from sandbox.aws.members import pairs, same, unpaired
from sandbox.aws.naming import NamedKind
from sandbox.aws.patterns import check_pattern
from sandbox.aws.row import PROVIDER, REGION, AwsKind
from sandbox.fields import UNKNOWN, Json, member, nested
from sandbox.kind import Autoname, Context, Request
from sandbox.refusal import Refusal
from sandbox.world import Record

EVENTS = "events.amazonaws.com"
DEFAULT_BUS = "default"
_RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)(s?)\)")
_UNIT_S = {"minute": 60, "hour": 3600, "day": 86_400}
_INVALID = "ValidationException"


class EventRule(NamedKind):
    """A rule: events of a pattern, or a schedule."""

    token = "aws:cloudwatch/eventRule:EventRule"
    name = RULE
    api = update_api = "events.PutRule"
    ident = named_by = "Name"
    fields = {
        **same("description", "eventBusName", "eventPattern", "name", "roleArn"),
        **same("scheduleExpression", "state"),
        "namePrefix": member(f"{PROVIDER}.namePrefix"),
        "tags": member("Tags", pairs, unpaired),
    }
    provider_only = REGION | {"forceDestroy"}
    left_out = frozenset({"isEnabled"})
    replace_on = REGION | {"eventBusName", "name", "namePrefix"}
    autoname = Autoname(longest=64, unless=("namePrefix",))
    defaults = {"eventBusName": DEFAULT_BUS, "state": "ENABLED", "forceDestroy": False}
    computed = ("arn", "name", "region", "tagsAll")
    held_by = frozenset({TARGET})

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if not {"EventPattern", "ScheduleExpression"} & body.keys():
            words = "Parameter(s) EventPattern or ScheduleExpression must be specified."
            raise Refusal(_INVALID, words)
        if body.get("EventBusName") not in (DEFAULT_BUS, UNKNOWN):
            raise Refusal("NotEmulated", f"event bus {body['EventBusName']}: there is only default")
        check_pattern(body.get("EventPattern", UNKNOWN))
        schedule = body.get("ScheduleExpression", UNKNOWN)
        if schedule != UNKNOWN:
            period_s(schedule)

    def rivals(self, other: Record, body: Json) -> bool:
        """A second rule of a name takes the place of the first."""
        return False

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = self.claim_everywhere(ctx, body)
        return self.add(ctx, name, body, name=name)

    def changed(self, ctx: Context, record: Record) -> None:
        if "ScheduleExpression" in record.body:
            every_s = period_s(record.body["ScheduleExpression"])
            ctx.world.wake(record, ctx.world.clock.now() + every_s)

    def held(self, record: Record) -> Refusal:
        return Refusal(_INVALID, "Rule can't be deleted since it has targets.")

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {"arn": rule_arn(ctx, record), "name": record.name}


class EventTarget(AwsKind):
    """Where the events of a rule go."""

    token = "aws:cloudwatch/eventTarget:EventTarget"
    name = TARGET
    api = update_api = "events.PutTargets"
    fields = {
        **same("eventBusName", "rule"),
        "arn": member("Targets.Arn"),
        "deadLetterConfig": nested("Targets.DeadLetterConfig", same("arn")),
        "input": member("Targets.Input"),
        "retryPolicy": nested(
            "Targets.RetryPolicy", same("maximumEventAgeInSeconds", "maximumRetryAttempts")
        ),
        "roleArn": member("Targets.RoleArn"),
        "targetId": member("Targets.Id"),
    }
    provider_only = REGION | {"forceDestroy"}
    left_out = frozenset(
        {
            *("appsyncTarget", "batchTarget", "ecsTarget", "httpTarget", "inputPath"),
            *("inputTransformer", "kinesisTarget", "redshiftTarget", "runCommandTargets"),
            *("sagemakerPipelineTarget", "sqsTarget"),
        }
    )
    replace_on = REGION | {"eventBusName", "rule", "targetId"}
    defaults = {"eventBusName": DEFAULT_BUS, "forceDestroy": False}
    computed = ("region", "targetId")

    def requests(self, body: Json, verb: str) -> list[Request]:
        target = {"Id": UNKNOWN} | body["Targets"]
        return [Request(self.api, body | {"Targets": [target]})]

    def parents(self, body: Json) -> list[str]:
        return [body["Rule"]]

    def point(self, ctx: Context, body: Json) -> None:
        words = f"Rule {body['Rule']} does not exist on EventBus default."
        gone = Refusal("ResourceNotFoundException", words)
        if ctx.need(RULE, body["Rule"], gone).region != ctx.region:
            raise gone
        target = body["Targets"]
        service, region = target["Arn"].split(":")[2:4]
        if service not in ("lambda", "sqs", "events"):
            raise Refusal(
                "NotEmulated", f"target {target['Arn']}: only functions, queues and buses"
            )
        if service == "events" and taken_by(ctx, target.get("RoleArn"), EVENTS) is None:
            raise Refusal(_INVALID, f"RoleArn is required for target {target['Arn']}.")
        if service != "events" and region != ctx.region:
            raise Refusal(_INVALID, f"Provided Arn is not in correct format: {target['Arn']}")

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        body["Targets"].setdefault("Id", f"terraform-{ctx.world.new_hex(26)}")
        return self.add(ctx, f"{body['Rule']}-{body['Targets']['Id']}", body)


def period_s(schedule: Any) -> float:
    """Seconds between two events of a schedule."""
    found = _RATE.fullmatch(str(schedule))
    if found and (found[3] == "s") == (found[1] != "1"):
        return float(found[1]) * _UNIT_S[found[2]]
    if str(schedule).startswith("cron("):
        raise Refusal("NotEmulated", f"schedule {schedule}: only rate(...)")
    raise Refusal(_INVALID, "Parameter ScheduleExpression is not valid.")


def rule_arn(ctx: Context, rule: Record) -> str:
    """A rule's ARN."""
    return f"arn:aws:events:{rule.region}:{ctx.account}:rule/{rule.name}"


def bus_arn(ctx: Context, region: str) -> str:
    """The ARN of a region's default bus."""
    return f"arn:aws:events:{region}:{ctx.account}:event-bus/{DEFAULT_BUS}"
