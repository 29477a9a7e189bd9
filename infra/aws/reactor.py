"""The reactor on AWS: a function in up to two regions, its store, its events, and what machines need to call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch, iam, lambda_, s3, sqs

from infra.aws import policies
from infra.aws.alarms import declare_alarms
from infra.aws.events import Events, EventsArgs
from infra.aws.identities import Identity, declare_identity
from infra.aws.store import Store, StoreArgs
from infra.naming import AWS_LIMIT, fit
from infra.reactors import (
    DeclaredGroup,
    Notices,
    PlanText,
    ReactorArgs,
    ReactorComponent,
    plan_text,
)
from reactor.published import PLAN_OBJECT

HANDLER = "lambda_function.handler"
_RUNTIME = "python3.13"
_MEMORY_MB = 512
"""The share of a processor goes with it; less makes the start, mostly boto3's import, slower than a second."""
_TIMEOUT_SECONDS = 30
_MOST_AT_ONCE = 5
"""A mass preemption queues behind so many runs instead of racing for one state."""
_RETRIES, _AGE_SECONDS = 2, 300
_LOG_DAYS = 30
_LETTER_SECONDS = 14 * 24 * 3600


@dataclass(frozen=True, slots=True)
class _Home:
    """What a region has before the function can be there."""

    region: str
    store: Store
    queue: sqs.Queue
    logs: cloudwatch.LogGroup


class Reactor(ReactorComponent):
    """Machines tell the functions, by their ARNs."""

    def __init__(
        self, name: str, args: ReactorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("aws", name, opts)
        self._name, self._args, self._tags = name, args, args.owner.tags()
        self._child = pulumi.ResourceOptions(parent=self)
        self._homes = [self._home(region) for region in args.regions]
        identity = self._identity()
        functions = {home.region: self._function(home, identity) for home in self._homes}
        self._wired = [self._wire(home, functions[home.region]) for home in self._homes]
        self._forward(functions)
        arns = pulumi.Output.all(*(function.arn for function in functions.values()))
        self.notices = Notices(arns.apply(",".join), self._machines(arns))
        self.stores = tuple(
            pulumi.Output.concat("s3://", home.store.bucket.bucket) for home in self._homes
        )
        self.register_outputs({"functions": self.notices.urls})

    def publish(
        self,
        groups: Sequence[DeclaredGroup],
        text: PlanText,
        *,
        addresses: Mapping[str, Sequence[pulumi.Output[str]]],
        after: Sequence[pulumi.Resource],
    ) -> None:
        content = plan_text(groups, text, addresses)
        for home in self._homes:
            s3.BucketObjectv2(
                f"{self._name}-plan-{home.region}",
                region=home.region,
                bucket=home.store.bucket.bucket,
                key=PLAN_OBJECT,
                content=content,
                content_type="application/json",
                opts=pulumi.ResourceOptions(parent=self, depends_on=[*self._wired, *after]),
            )

    def _home(self, region: str) -> _Home:
        name, tags = f"{self._name}-{region}", self._tags
        return _Home(
            region,
            Store(name, StoreArgs(region, tags), self._child),
            sqs.Queue(
                f"{name}-dead-letters",
                region=region,
                message_retention_seconds=_LETTER_SECONDS,
                sqs_managed_sse_enabled=True,
                tags=tags,
                opts=self._child,
            ),
            cloudwatch.LogGroup(
                name, region=region, retention_in_days=_LOG_DAYS, tags=tags, opts=self._child
            ),
        )

    def _identity(self) -> Identity:
        """As whom the function acts, in both regions; nothing runs before it may."""
        homes, dispatch = self._homes, self._args.settings.reactor.dispatch
        secret = dispatch.token_secret.get("aws") if dispatch else None
        arns = pulumi.Output.all(
            buckets=pulumi.Output.all(*(home.store.bucket.arn for home in homes)),
            queues=pulumi.Output.all(*(home.queue.arn for home in homes)),
            logs=pulumi.Output.all(*(home.logs.arn for home in homes)),
        )
        policy = arns.apply(lambda known: policies.reactor(tags=self._tags, secret=secret, **known))
        return declare_identity(self._name, "lambda.amazonaws.com", policy, self._tags, self._child)

    def _function(self, home: _Home, identity: Identity) -> lambda_.Function:
        dispatch = self._args.settings.reactor.dispatch
        stores = pulumi.Output.all(
            *(
                pulumi.Output.concat(each.region, "/", each.store.bucket.bucket)
                for each in self._homes
            )
        )
        variables: dict[str, pulumi.Input[str]] = {"SKYBLEND_STORES": stores.apply(",".join)}
        if dispatch and "aws" in dispatch.token_secret:
            variables["SKYBLEND_DISPATCH_SECRET"] = dispatch.token_secret["aws"]
        return lambda_.Function(
            fit(f"{self._name}-{home.region}", AWS_LIMIT),
            region=home.region,
            role=identity.role.arn,
            runtime=_RUNTIME,
            architectures=["arm64"],
            handler=HANDLER,
            code=pulumi.FileArchive(str(self._args.package)),
            memory_size=_MEMORY_MB,
            timeout=_TIMEOUT_SECONDS,
            reserved_concurrent_executions=_MOST_AT_ONCE,
            environment=lambda_.FunctionEnvironmentArgs(variables=variables),
            logging_config=lambda_.FunctionLoggingConfigArgs(
                log_format="Text", log_group=home.logs.name
            ),
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[identity.policy]),
        )

    def _wire(self, home: _Home, function: lambda_.Function) -> pulumi.Resource:
        """Everything that calls the function, and what happens where it fails. Returns what tells it of a new plan."""
        name, region = f"{self._name}-{home.region}", home.region
        bucket = home.store.bucket
        lambda_.FunctionEventInvokeConfig(
            name,
            region=region,
            function_name=function.name,
            maximum_retry_attempts=_RETRIES,
            maximum_event_age_in_seconds=_AGE_SECONDS,
            destination_config=lambda_.FunctionEventInvokeConfigDestinationConfigArgs(
                on_failure=lambda_.FunctionEventInvokeConfigDestinationConfigOnFailureArgs(
                    destination=home.queue.arn
                )
            ),
            opts=self._child,
        )
        allowed = lambda_.Permission(
            f"{name}-store",
            region=region,
            function=function.name,
            action="lambda:InvokeFunction",
            principal="s3.amazonaws.com",
            source_arn=bucket.arn,
            source_account=function.arn.apply(_account),  # a bucket's ARN names none
            opts=self._child,
        )
        notification = s3.BucketNotification(
            name,
            region=region,
            bucket=bucket.bucket,
            lambda_functions=[
                s3.BucketNotificationLambdaFunctionArgs(
                    lambda_function_arn=function.arn,
                    events=["s3:ObjectCreated:*"],
                    filter_prefix=PLAN_OBJECT,
                )
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )
        events = Events(f"{name}-events", EventsArgs(region, self._tags), self._child)
        events.deliver(function, home.queue)
        declare_alarms(name, region, self._tags, function, home.queue, self._child)
        return notification

    def _forward(self, functions: Mapping[str, lambda_.Function]) -> None:
        """Events of the other regions go to every region with a function."""
        others = [region for region in self._args.cells if region not in functions]
        if not others:
            return
        buses = {region: function.arn.apply(_bus) for region, function in functions.items()}
        policy = pulumi.Output.all(*buses.values()).apply(
            lambda known: policies.document([policies.allow("events:PutEvents", known)])
        )
        sender = declare_identity(
            f"{self._name}-events", "events.amazonaws.com", policy, self._tags, self._child
        )
        for region in others:
            args = EventsArgs(region, self._tags)
            Events(f"{self._name}-{region}-events", args, self._child).forward(buses, sender)

    def _machines(self, functions: pulumi.Output[list[str]]) -> pulumi.Output[str]:
        """What a machine may do with its own identity: hand a notice to the functions."""
        name = f"{self._name}-machines"
        policy = functions.apply(
            lambda known: policies.document([policies.allow("lambda:InvokeFunction", known)])
        )
        identity = declare_identity(name, "ec2.amazonaws.com", policy, self._tags, self._child)
        return iam.InstanceProfile(
            name, role=identity.role.name, tags=self._tags, opts=self._child
        ).arn


def _account(arn: str) -> str:
    """The account in an ARN."""
    return arn.split(":")[4]


def _bus(function_arn: str) -> str:
    """The default event bus of a function's region."""
    region, account = function_arn.split(":")[3:5]
    return f"arn:aws:events:{region}:{account}:event-bus/default"
