"""The reactor on GCP: a function in up to two regions, its store, its events, and what machines need to call it.

Its logs are in the project's default bucket, which keeps them for 30 days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_gcp import cloudfunctionsv2, cloudrunv2, secretmanager, storage

from infra.gcp.alerts import declare_alerts
from infra.gcp.events import Events, EventsArgs
from infra.gcp.identity import declare_identities
from infra.naming import GCP_LIMIT, fit
from infra.reactors import (
    DeclaredGroup,
    Notices,
    PlanText,
    ReactorArgs,
    ReactorComponent,
    plan_text,
)
from reactor.handle import TOKEN_VARIABLE
from reactor.published import PLAN_OBJECT

ENTRY_POINT = "react"
_RUNTIME = "python312"
_TIMEOUT_SECONDS = 60
_MOST_INSTANCES, _MOST_AT_ONCE = 3, 8
"""A mass preemption queues behind so many runs instead of racing for one state."""


class Reactor(ReactorComponent):
    """Machines tell the functions, by their URLs."""

    def __init__(
        self, name: str, args: ReactorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("gcp", name, opts)
        self._name, self._args, self._tags = name, args, args.owner.tags()
        self._child = pulumi.ResourceOptions(parent=self)
        self._project = args.settings.gcp.project
        self._who = declare_identities(name, args.owner, self._project, self._child)
        self._buckets = {region: self._bucket(region, "") for region in args.regions}
        self._allowed = [self._who.granted, *self._may_write(), *self._may_read_the_token()]
        events = Events(
            f"{name}-events",
            EventsArgs(args.owner, self._project, args.cells, self._who.caller),
            self._child,
        )
        functions = {region: self._function(region) for region in args.regions}
        for region, function in functions.items():
            events.deliver(region, function, self._may_call(region, function))
        self._wired = self._tell_of_plans(events)
        declare_alerts(
            name, args.owner, self._project, list(functions.values()), events.letters, self._child
        )
        self.stores = tuple(
            pulumi.Output.concat("gs://", bucket.name) for bucket in self._buckets.values()
        )
        urls = pulumi.Output.all(*(f.url for f in functions.values())).apply(",".join)
        self.notices = Notices(urls, self._who.machines.email)
        self.register_outputs({"urls": urls})

    def publish(
        self,
        groups: Sequence[DeclaredGroup],
        text: PlanText,
        *,
        addresses: Mapping[str, Sequence[pulumi.Output[str]]],
        after: Sequence[pulumi.Resource],
    ) -> None:
        content = plan_text(groups, text, addresses)
        for region, bucket in self._buckets.items():
            storage.BucketObject(
                f"{self._name}-plan-{region}",
                bucket=bucket.name,
                name=PLAN_OBJECT,
                content=content,
                content_type="application/json",
                opts=pulumi.ResourceOptions(parent=self, depends_on=[*self._wired, *after]),
            )

    def _bucket(self, region: str, use: str) -> storage.Bucket:
        return storage.Bucket(
            fit(f"{self._name}-{region}{use}", GCP_LIMIT),
            project=self._project,
            location=region,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            force_destroy=True,  # what the reactor wrote is of no use without the stack
            soft_delete_policy=storage.BucketSoftDeletePolicyArgs(
                retention_duration_seconds=0  # the state is written every minute
            ),
            labels=self._tags,
            opts=self._child,
        )

    def _may_write(self) -> list[pulumi.Resource]:
        """Objects of the stores. To list them is needed too: without it, an object that is not there reads as forbidden."""
        return [
            storage.BucketIAMMember(
                f"{self._name}-{region}",
                bucket=bucket.name,
                role="roles/storage.objectUser",
                member=self._who.reactor.member,
                opts=self._child,
            )
            for region, bucket in self._buckets.items()
        ]

    def _token_secret(self) -> str | None:
        dispatch = self._args.settings.reactor.dispatch
        return dispatch.token_secret.get("gcp") if dispatch else None

    def _may_read_the_token(self) -> list[pulumi.Resource]:
        secret = self._token_secret()
        if secret is None:
            return []
        return [
            secretmanager.SecretIamMember(
                self._name,
                project=self._project,
                secret_id=secret,
                role="roles/secretmanager.secretAccessor",
                member=self._who.reactor.member,
                opts=self._child,
            )
        ]

    def _function(self, region: str) -> cloudfunctionsv2.Function:
        """Anybody may reach it and only callers with a role get in: machines come from networks that Google counts as
        outside. It starts once its account may do its work."""
        code = self._bucket(region, "-code")
        package = storage.BucketObject(
            f"{self._name}-code-{region}",
            bucket=code.name,
            name=self._args.package.name,
            source=pulumi.FileAsset(str(self._args.package)),
            opts=self._child,
        )
        account = self._who.reactor
        return cloudfunctionsv2.Function(
            fit(f"{self._name}-{region}", GCP_LIMIT),
            project=self._project,
            location=region,
            description=self._args.owner.mark(),
            build_config=cloudfunctionsv2.FunctionBuildConfigArgs(
                runtime=_RUNTIME,
                entry_point=ENTRY_POINT,
                source=cloudfunctionsv2.FunctionBuildConfigSourceArgs(
                    storage_source=cloudfunctionsv2.FunctionBuildConfigSourceStorageSourceArgs(
                        bucket=code.name, object=package.name
                    )
                ),
            ),
            service_config=cloudfunctionsv2.FunctionServiceConfigArgs(
                service_account_email=account.email,
                available_memory="512Mi",
                available_cpu="1",
                timeout_seconds=_TIMEOUT_SECONDS,
                max_instance_count=_MOST_INSTANCES,
                max_instance_request_concurrency=_MOST_AT_ONCE,
                ingress_settings="ALLOW_ALL",
                environment_variables={
                    "SKYBLEND_PROJECT": account.project,
                    "SKYBLEND_LABEL": f"skyblend-stack={self._tags['skyblend-stack']}",
                    "SKYBLEND_BUCKETS": pulumi.Output.all(
                        *(bucket.name for bucket in self._buckets.values())
                    ).apply(",".join),
                },
                secret_environment_variables=self._token(account.project),
            ),
            labels=self._tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._allowed),
        )

    def _token(
        self, project: pulumi.Output[str]
    ) -> list[cloudfunctionsv2.FunctionServiceConfigSecretEnvironmentVariableArgs] | None:
        secret = self._token_secret()
        if secret is None:
            return None
        return [
            cloudfunctionsv2.FunctionServiceConfigSecretEnvironmentVariableArgs(
                key=TOKEN_VARIABLE, project_id=project, secret=secret, version="latest"
            )
        ]

    def _may_call(self, region: str, function: cloudfunctionsv2.Function) -> pulumi.Resource:
        """Pub/Sub and Cloud Scheduler as the caller, machines as themselves, nobody else. Returns the caller's grant."""
        caller, _ = (
            cloudrunv2.ServiceIamMember(
                f"{self._name}-{region}-{use}",
                project=self._project,
                location=region,
                name=function.name,  # of the Cloud Run service behind the function
                role="roles/run.invoker",
                member=account.member,
                opts=self._child,
            )
            for use, account in (("caller", self._who.caller), ("machine", self._who.machines))
        )
        return caller

    def _tell_of_plans(self, events: Events) -> list[pulumi.Resource]:
        allowed = events.storage_may_publish()
        return [
            storage.Notification(
                f"{self._name}-{region}",
                bucket=bucket.name,
                topic=events.topic,
                payload_format="NONE",
                event_types=["OBJECT_FINALIZE"],
                object_name_prefix=PLAN_OBJECT,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
            )
            for region, bucket in self._buckets.items()
        ]
