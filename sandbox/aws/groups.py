"""AWS Auto Scaling groups."""

from __future__ import annotations

from sandbox.aws.activities import end, new_uuid
from sandbox.aws.capacity import settle, specifications, unmet
from sandbox.aws.group_fields import FIELDS
from sandbox.aws.group_rules import check_group
from sandbox.aws.lookup import GROUP, TARGET_GROUP, find, need_subnet
from sandbox.aws.members import unpaired
from sandbox.aws.naming import NamedKind
from sandbox.aws.row import REGION
from sandbox.aws.templates import security_groups, template_data
from sandbox.fields import Json, get
from sandbox.kind import CREATE, Autoname, Context, Request
from sandbox.machines import machines_of
from sandbox.refusal import Refusal
from sandbox.world import Record

_MIXED = "MixedInstancesPolicy.LaunchTemplate"


class Group(NamedKind):
    """An Auto Scaling group. It buys what it can; what it cannot is an activity that failed, not an error."""

    token = "aws:autoscaling/group:Group"
    name = GROUP
    api = "autoscaling.CreateAutoScalingGroup"
    update_api = "autoscaling.UpdateAutoScalingGroup"
    ident = named_by = "AutoScalingGroupName"
    taken = (
        "AlreadyExists",
        "AutoScalingGroup by this name already exists - A group with the name {name} already exists",
    )
    also = (
        "SuspendProcesses",
        "EnableMetricsCollection",
        "PutWarmPool",
        "StartInstanceRefresh",
    )
    fields = FIELDS
    provider_only = REGION | {
        "forceDelete",
        "forceDeleteWarmPool",
        "ignoreFailedScalingActivities",
        "minElbCapacity",
        "waitForCapacityTimeout",
        "waitForElbCapacity",
    }
    replace_on = REGION | {"initialLifecycleHooks", "name", "namePrefix"}
    autoname = Autoname(unless=("namePrefix",))
    defaults = {
        "forceDelete": False,
        "forceDeleteWarmPool": False,
        "healthCheckGracePeriod": 300,
        "ignoreFailedScalingActivities": False,
        "metricsGranularity": "1Minute",
        "protectFromScaleIn": False,
        "waitForCapacityTimeout": "10m",
    }
    computed = (
        "arn",
        "availabilityZoneDistribution",
        "availabilityZones",
        "capacityReservationSpecification",
        "defaultCooldown",
        "desiredCapacity",
        "healthCheckType",
        "loadBalancers",
        "name",
        "predictedCapacity",
        "region",
        "serviceLinkedRoleArn",
        "targetGroupArns",
        "trafficSources",
        "vpcZoneIdentifiers",
        "warmPoolSize",
    )
    size_path = "DesiredCapacity"

    def body(self, inputs: Json) -> Json:
        body = super().body(inputs)
        if not get(body, "EnableMetricsCollection.Metrics"):
            body.pop("EnableMetricsCollection", None)
        return body

    def requests(self, body: Json, verb: str) -> list[Request]:
        """An instance refresh is started by updates alone."""
        calls = super().requests(body, verb)
        return [one for one in calls if verb != CREATE or "InstanceRefresh" not in one.operation]

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        check_group(body)

    def tags(self, body: Json) -> dict[str, str]:
        return unpaired(body.get("Tags"))

    def parents(self, body: Json) -> list[str]:
        templates = [
            spec["LaunchTemplateId"] for spec in specifications(body) if "LaunchTemplateId" in spec
        ]
        return list(dict.fromkeys([*templates, *_subnets(body), *body.get("TargetGroupARNs", [])]))

    def point(self, ctx: Context, body: Json) -> None:
        for subnet in _subnets(body):
            need_subnet(ctx, subnet, "ValidationError")
        for arn in body.get("TargetGroupARNs", []):
            words = (
                "Provided Target Groups may not be valid. Please ensure they exist and try again."
            )
            find(ctx, TARGET_GROUP, arn, Refusal("ValidationError", f"{words} ({arn})"))
        for spec in specifications(body):
            _check_template(body, template_data(ctx, spec))

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = self.claim_everywhere(ctx, body)
        body.setdefault("DesiredCapacity", body["MinSize"])
        arn = f"arn:aws:autoscaling:{ctx.region}:{ctx.account}:autoScalingGroup:{new_uuid(ctx)}"
        record = self.add(
            ctx, name, body, name=name, arn=f"{arn}:autoScalingGroupName/{name}",
            created=ctx.world.clock.now(),
        )  # fmt: skip
        _wait(record, ctx, inputs)
        return record

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        """Sends what the program changed: a size set behind its back stays, within the new bounds."""
        if inputs.get("desiredCapacity") in (None, ctx.olds.get("desiredCapacity")):
            now = record.body["DesiredCapacity"]
            body["DesiredCapacity"] = min(max(now, body["MinSize"]), body["MaxSize"])
        super().update(ctx, record, body, inputs)
        _wait(record, ctx, inputs)

    def changed(self, ctx: Context, record: Record) -> None:
        """Its machines have interfaces in the subnets and in the templates' security groups."""
        for spec in specifications(record.body):
            record.parents += security_groups(template_data(ctx, spec))
        settle(ctx, record)

    def delete(self, ctx: Context, record: Record) -> None:
        for machine in machines_of(ctx.world, record):
            end(ctx, machine)
        ctx.world.remove(record)

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {
            "arn": record.live["arn"],
            "availabilityZones": record.live.get("zones", []),
            "defaultCooldown": record.body.get("DefaultCooldown", 300),
            "healthCheckType": record.body.get("HealthCheckType", "EC2"),
            "name": record.name,
            "predictedCapacity": 0,
            "warmPoolSize": 0,
        }


def _check_template(body: Json, data: Json) -> None:
    if "InstanceMarketOptions" in data and "MixedInstancesPolicy" in body:
        raise Refusal(
            "InvalidQueryParameter",
            "Incompatible launch template: You cannot use a launch template that is set to request Spot "
            "Instances (InstanceMarketOptions) when you configure an Auto Scaling group with a mixed "
            "instances policy. Add a different launch template to the group and try again.",
        )
    if "ImageId" not in data:
        raise Refusal(
            "ValidationError",
            "You must use a valid fully-formed launch template. The request must contain the parameter ImageId",
        )
    typed = {"InstanceType", "InstanceRequirements"} & data.keys()
    if not typed and not get(body, f"{_MIXED}.Overrides"):
        raise Refusal(
            "ValidationError",
            "You must use a valid fully-formed launch template. The request must contain the parameter "
            "InstanceType",
        )


def _subnets(body: Json) -> list[str]:
    return [one for one in body.get("VPCZoneIdentifier", "").split(",") if one]


def _wait(record: Record, ctx: Context, inputs: Json) -> None:
    """The provider waits for the size unless told not to, and gives up with this message."""
    timeout = inputs.get("waitForCapacityTimeout", "10m")
    missing = unmet(ctx, record)
    if timeout in ("0", "0s", 0) or not missing:
        return
    activities = record.live["activities"]
    failed = "; ".join(dict.fromkeys(activity["StatusMessage"] for activity in activities))
    raise Refusal(
        "timeout",
        f"waiting for Auto Scaling Group ({record.name}) capacity satisfied: timeout while waiting for state to "
        f"become 'ok' (last state: '{missing}', timeout: {timeout}). scaling activity failed: {failed}",
    )
