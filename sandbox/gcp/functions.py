"""Cloud Run functions, and the alert policies that watch them."""

from __future__ import annotations

from sandbox import objects
from sandbox.fields import Json, nested
from sandbox.gcp import refusals
from sandbox.gcp.rest import ACCOUNT, ALERT, BUCKET, FUNCTION, Reference, RestResource, text_at
from sandbox.gcp.shapes import digits, same
from sandbox.kind import Autoname, Context
from sandbox.world import Record

_SOURCE = "buildConfig.source.storageSource"
SOURCES = "gcf-v2-sources"
"""Where the platform keeps what functions were built from; the uploaded object may go."""

_BUILD = {
    **same("runtime", "entryPoint", "environmentVariables", "dockerRepository", "serviceAccount"),
    **same("workerPool", "automaticUpdatePolicy", "onDeployUpdatePolicy"),
    "source": nested(
        "source",
        {
            "storageSource": nested(
                "storageSource", {**same("bucket", "object"), "generation": digits("generation")}
            )
        },
    ),
}


class Function(RestResource):
    """A function that is called over HTTP."""

    token = "gcp:cloudfunctionsv2/function:Function"
    name = FUNCTION
    path = "projects/{project}/locations/{region}/functions/{name}"
    api = "cloudfunctions.projects.locations.functions.create"
    update_api = "cloudfunctions.projects.locations.functions.patch"
    place = "location"
    labelled = True
    references = (
        Reference(f"{_SOURCE}.bucket", BUCKET),
        Reference(
            "serviceConfig.serviceAccountEmail",
            ACCOUNT,
            "projects/{project}/serviceAccounts/{value}",
        ),
    )
    fields = {
        **same("name", "description", "labels", "kmsKeyName", "serviceConfig"),
        "buildConfig": nested("buildConfig", _BUILD),
    }
    left_out = frozenset({"eventTrigger"})
    replace_on = frozenset({"name", "location"})
    autoname = Autoname(longest=63, lower=True)
    computed = ("environment", "state", "updateTime", "url")

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        record = super().create(ctx, body, inputs)
        _build(ctx, record)
        return record

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        super().update(ctx, record, body, inputs)
        _build(ctx, record)

    def extra(self, record: Record) -> Json:
        return {
            "environment": "GEN_2",
            "state": "ACTIVE",
            "updateTime": record.live["made"],
            "url": url_of(record),
        }


def url_of(function: Record) -> str:
    """Where a function is called; also the audience of tokens for it."""
    return (
        f"https://{function.region}-{function.live['project']}.cloudfunctions.net/{function.name}"
    )


def package_of(ctx: Context, function: Record) -> bytes:
    """The zip that a function was built from."""
    built = objects.read(ctx.world, ctx.cloud, SOURCES, function.id)
    return built.body if built else b""


def _build(ctx: Context, function: Record) -> None:
    """The platform takes what the object holds now."""
    bucket, name = (
        text_at(function.body, f"{_SOURCE}.bucket"),
        text_at(function.body, f"{_SOURCE}.object"),
    )
    source = objects.read(ctx.world, ctx.cloud, bucket, name)
    if source is None:
        raise refusals.error(404, f"Source object gs://{bucket}/{name} does not exist", "notFound")
    objects.write(ctx.world, ctx.cloud, SOURCES, function.id, source.body)


class AlertPolicy(RestResource):
    """A policy that tells when a metric is above a threshold."""

    token = "gcp:monitoring/alertPolicy:AlertPolicy"
    name = ALERT
    path = "projects/{project}/alertPolicies/{number}"
    api = "monitoring.projects.alertPolicies.create"
    update_api = "monitoring.projects.alertPolicies.patch"
    fields = {
        **same("displayName", "combiner", "conditions", "alertStrategy", "documentation"),
        **same("enabled", "notificationChannels", "severity", "userLabels"),
    }
    computed = ("name",)

    def tags(self, body: Json) -> dict[str, str]:
        return dict(body.get("userLabels", {}))

    def extra(self, record: Record) -> Json:
        return {"name": record.id}
