"""What all Compute resources have in common: a name in a project and place, a self link, references, PATCH."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from sandbox.fields import Json, get, put
from sandbox.gcp import refusals, vendor
from sandbox.gcp.labels import check_labels
from sandbox.gcp.links import REGIONAL, Link, held, kind_name, resource_id, self_link
from sandbox.kind import Autoname, Context, Kind
from sandbox.world import Record

_PLACE = ("project", "region")


class ComputeResource(Kind):
    """A named resource of the Compute API.

    `collection`: its part of the URL; `word`: how messages call it; `scope`: global or regional; `links`: what it
    points at; `keeps`: members that stay when a later program leaves them out (optional and computed in the
    provider's schema); everything else that is left out is cleared, because the provider then sends a null.
    `common`: outputs that all types have. Rows name only what is their own: project, region and name are added here.
    """

    collection: ClassVar[str]
    word: ClassVar[str]
    scope: ClassVar[str] = REGIONAL
    links: ClassVar[tuple[Link, ...]] = ()
    keeps: ClassVar[tuple[str, ...]] = ()
    common: ClassVar[tuple[str, ...]] = ("name", "selfLink", "creationTimestamp")
    autoname = Autoname(longest=63, lower=True)
    vendor = staticmethod(vendor.check)  # type: ignore[assignment]

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "collection"):
            cls.name = kind_name(cls.collection)
            place = _PLACE if cls.scope == REGIONAL else _PLACE[:1]
            own = [name for name in cls.computed if name not in (*_PLACE, *cls.common)]
            cls.computed = (*place, *cls.common, *own)
            cls.provider_only = cls.provider_only | {*place, "deletionPolicy"}
            cls.replace_on = (cls.replace_on - {"region"}) | {*place, "name"}

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if self.scope == REGIONAL and not ctx.region:
            raise refusals.by_provider(
                "Cannot determine region: set in this resource, or set provider-level 'region' or 'zone'."
            )
        check_labels(body)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        record_id = self.id_of(ctx, body)
        if ctx.world.get(ctx.cloud, self.name, record_id):
            raise refusals.already_exists(record_id)
        record = Record(
            cloud=ctx.cloud,
            kind=self.name,
            id=record_id,
            region=ctx.region if self.scope == REGIONAL else "global",
            body=body,
            name=body["name"],
            tags=self.tags(body),
            parents=held(ctx, self.links, body),
            live={
                "project": ctx.account,
                "number": str(int(ctx.world.new_hex(15), 16)),
                "selfLink": self_link(record_id),
                "creationTimestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            },
        )
        return ctx.world.put(record)

    def id_of(self, ctx: Context, body: Json) -> str:
        """The id under which Pulumi keeps the resource."""
        return resource_id(ctx, self.scope, self.collection, body["name"])

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        for path in self.keeps:
            kept = get(record.body, path)
            if kept is not None and get(body, path) is None:
                put(body, path, kept)
        record.body = body
        record.tags = self.tags(body)
        record.parents = held(ctx, self.links, body)
        ctx.world.put(record)

    def delete(self, ctx: Context, record: Record) -> None:
        for child in ctx.world.children(record):
            raise refusals.in_use(self.word, record.id, child.id)
        ctx.world.remove(record)

    def inputs(self, ctx: Context, record: Record) -> Json:
        return super().inputs(ctx, record) | self._place(record)

    def outputs(self, ctx: Context, record: Record) -> Json:
        known = record.live | {"name": record.name}
        common = {name: known[name] for name in self.common}
        return self._place(record) | common | self.extra(record)

    def _place(self, record: Record) -> Json:
        place = {"project": record.live["project"], "region": record.region}
        return place if self.scope == REGIONAL else {"project": place["project"]}

    def extra(self, record: Record) -> Json:
        """Outputs that only this type has."""
        return {}
