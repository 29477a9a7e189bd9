"""What the resources of Google's other services have in common: a name in a project, and references to what must exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sandbox.fields import Json, get
from sandbox.gcp import refusals, vendor
from sandbox.gcp.labels import check_labels, label_outputs
from sandbox.gcp.places import given
from sandbox.kind import Context, Kind
from sandbox.refusal import Refusal
from sandbox.world import Record

ACCOUNT, ROLE, MEMBER = "iam.serviceAccounts", "iam.roles", "iam.members"
BUCKET, OBJECT, NOTIFICATION = "storage.buckets", "storage.objects", "storage.notifications"
TOPIC, SUBSCRIPTION, SINK = "pubsub.topics", "pubsub.subscriptions", "logging.sinks"
FUNCTION, JOB, ALERT = "cloudfunctions.functions", "cloudscheduler.jobs", "monitoring.alertPolicies"
GLOBAL = "global"
PUBSUB = "//pubsub.googleapis.com/"
"""How Cloud Storage writes the topics of Pub/Sub."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A member that names a resource of `kind`, which must exist; `form` makes an id of its value."""

    path: str
    kind: str
    form: str = "{value}"


class RestResource(Kind):
    """A resource outside Compute Engine.

    `path`: the id that Pulumi keeps it under; `left_out`: inputs of features that are not emulated and therefore refused.
    """

    path: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]] = ()
    left_out: ClassVar[frozenset[str]] = frozenset()
    place: ClassVar[str] = ""
    labelled: ClassVar[bool] = False
    vendor = staticmethod(vendor.check)  # type: ignore[assignment]

    def __init_subclass__(cls) -> None:
        own = cls.__dict__
        if "fields" in own:
            place = {cls.place} if cls.place and cls.place not in cls.fields else set()
            cls.provider_only = cls.provider_only | {"project", "deletionPolicy"} | place
            cls.replace_on = cls.replace_on | ({"project"} | place)
            labels = ("effectiveLabels", "pulumiLabels") if cls.labelled else ()
            cls.computed = (*cls.computed, "project", *place, *labels)

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        check_labels(body)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        record_id = self.id_of(ctx, body)
        if ctx.world.get(ctx.cloud, self.name, record_id):
            raise refusals.error(409, f"Resource already exists: {record_id}", "alreadyExists")
        record = Record(
            cloud=ctx.cloud,
            kind=self.name,
            id=record_id,
            region=ctx.region if self.place else GLOBAL,
            body=body,
            name=str(body.get("name", record_id.rsplit("/", 1)[-1])),
            tags=self.tags(body),
            parents=self.held(ctx, body),
            live={"project": ctx.account, "made": ctx.world.clock.iso()},
        )
        return ctx.world.put(record)

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        record.parents = self.held(ctx, body)
        super().update(ctx, record, body, inputs)

    def id_of(self, ctx: Context, body: Json) -> str:
        """The id under which Pulumi keeps the resource."""
        return self.path.format(
            project=ctx.account, region=ctx.region, number=ctx.world.new_hex(8), **body
        )

    def held(self, ctx: Context, body: Json) -> list[str]:
        """The ids that a request points at; refuses references to what does not exist."""
        ids = []
        for reference in self.references:
            for _, value in given(body, reference.path):
                short = value.removeprefix(PUBSUB)
                target = reference.form.format(project=ctx.account, region=ctx.region, value=short)
                ctx.need(reference.kind, target, missing(target))
                ids.append(target)
        return ids

    def outputs(self, ctx: Context, record: Record) -> Json:
        known = {"project": record.live["project"], self.place: record.region}
        labels = label_outputs(record.tags) if self.labelled else {}
        own = self.extra(record)
        return {name: (known | labels | own)[name] for name in self.computed}

    def inputs(self, ctx: Context, record: Record) -> Json:
        place = {self.place: record.region} if self.place and self.place not in self.fields else {}
        return super().inputs(ctx, record) | place | {"project": record.live["project"]}

    def extra(self, record: Record) -> Json:
        """Outputs that only this type has."""
        return {}


def missing(record_id: str) -> Refusal:
    """What a request names is not there."""
    return refusals.error(404, f"Resource not found (resource={record_id}).", "notFound")


def text_at(body: Json, path: str) -> str:
    """A member as text, empty where it is absent."""
    return str(get(body, path) or "")
