"""What every AWS row shares: one resource may be several API calls, and an update changes only what it names."""

from __future__ import annotations

from typing import Any, ClassVar

from sandbox.aws import vendor
from sandbox.aws.attributes import check_attributes, listed
from sandbox.aws.lookup import GROUP
from sandbox.aws.members import check_tags
from sandbox.fields import UNKNOWN, Json, backward, merge
from sandbox.kind import UPDATE, Context, Kind, Request
from sandbox.machines import machines_of
from sandbox.refusal import Refusal
from sandbox.world import Record

PROVIDER = "provider"
"""Section of a body for nested inputs that only the provider reads; no call carries it."""

REGION = frozenset({"region"})


class AwsKind(Kind):
    """A row of AWS.

    A body holds the members of the main call, and one section per further call under that operation's name (`also`);
    a section that is a list stands for one call per item. `ident` is the member by which further calls name the
    resource. A row without `update_api` changes through its further calls alone. Inputs that are in `computed` too
    keep their value when the program stops giving them. `held_by`: kinds of children that forbid deletion. `left_out`:
    inputs that are refused, because other resources stand for them or nothing here needs them.
    """

    vendor = vendor.check
    provider_only = REGION
    replace_on = REGION
    ident: ClassVar[str] = ""
    also: ClassVar[tuple[str, ...]] = ()
    held_by: ClassVar[frozenset[str]] = frozenset()
    left_out: ClassVar[frozenset[str]] = frozenset()

    def check(self, ctx: Context, body: Json, verb: str) -> None:
        super().check(ctx, body, verb)
        check_tags(self.tags(body))
        for request in self.requests(body, verb):
            check_attributes(request.params.get("Attributes", []))

    def requests(self, body: Json, verb: str) -> list[Request]:
        service = self.api.split(".")[0]
        main = {k: v for k, v in body.items() if k not in self.also and k != PROVIDER}
        calls = []
        if verb != UPDATE:
            calls.append(Request(self.api, main))
        elif self.update_api:
            known = vendor.members(self.update_api)
            params = {k: v for k, v in main.items() if k in known}
            calls.append(self._call(self.update_api, params, body))
        for operation in self.also:
            section = body.get(operation, [])
            for params in section if isinstance(section, list) else [section]:
                if params == UNKNOWN:
                    continue
                calls.append(
                    self._call(f"{service}.{operation}", self.render(operation, params), body)
                )
        return calls

    def _call(self, operation: str, params: Json, body: Json) -> Request:
        """A call about the resource; what names it is not known before it is created."""
        if self.ident in vendor.members(operation):
            params = {self.ident: body.get(self.ident, UNKNOWN)} | params
        return Request(operation, params)

    def render(self, operation: str, params: Json) -> Json:
        """A section as its call carries it."""
        if operation == "CreateTags":
            return params | {"Resources": [UNKNOWN]}
        if isinstance(params.get("Attributes"), dict):
            return params | {"Attributes": listed(params["Attributes"])}
        return params

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        record.body = self.kept(ctx, record, inputs)
        merge(record.body, {name: value for name, value in body.items() if value != UNKNOWN})
        record.tags = self.tags(body)
        record.parents = self.parents(record.body)
        self.point(ctx, record.body)
        self.changed(ctx, record)
        ctx.world.put(record)

    def kept(self, ctx: Context, record: Record, inputs: Json) -> Json:
        """What the cloud goes on with although the program no longer says it."""
        now = self.inputs(ctx, record)
        return self.body({k: v for k, v in now.items() if k in self.computed and k not in inputs})

    def point(self, ctx: Context, body: Json) -> None:
        """Refuse a body that points at what is not there."""

    def changed(self, ctx: Context, record: Record) -> None:
        """What follows from a new or changed body."""

    def parents(self, body: Json) -> list[str]:
        """Ids of what a body points at."""
        return []

    def add(
        self, ctx: Context, record_id: str, body: Json, *, name: str = "", **live: Any
    ) -> Record:
        """Put a new record into the world."""
        self.point(ctx, body)
        record = Record(
            cloud=ctx.cloud,
            kind=self.name,
            id=record_id,
            region=ctx.region,
            body=body,
            name=name,
            tags=self.tags(body),
            parents=self.parents(body),
            live=live,
        )
        ctx.world.put(record)
        self.changed(ctx, record)
        return ctx.world.put(record)

    def delete(self, ctx: Context, record: Record) -> None:
        if any(self.holds(ctx, child) for child in ctx.world.children(record)):
            raise self.held(record)
        ctx.world.remove(record)

    def holds(self, ctx: Context, child: Record) -> bool:
        """Whether a child keeps its parent from being deleted: groups do by their machines' interfaces."""
        if child.kind == GROUP:
            return GROUP in self.held_by and bool(machines_of(ctx.world, child))
        return child.kind in self.held_by

    def held(self, record: Record) -> Refusal:
        """Why a record that others stand on cannot go."""
        word = self.name.split(":")[1]
        what = word.lower() if word.isupper() else f"{word[0].lower()}{word[1:]}"
        return Refusal(
            "DependencyViolation",
            f"The {what} '{record.id}' has dependencies and cannot be deleted.",
        )

    def tags(self, body: Json) -> dict[str, str]:
        field = self.fields.get("tags")
        return dict(backward({"tags": field}, body).get("tags", {})) if field else {}

    def outputs(self, ctx: Context, record: Record) -> Json:
        read = self.inputs(ctx, record)
        out = {name: read[name] for name in self.computed if name in read}
        out |= {"region": record.region}
        if "tagsAll" in self.computed:
            out["tagsAll"] = record.tags
        if "ownerId" in self.computed:
            out["ownerId"] = ctx.account
        return out


class Ec2Kind(AwsKind):
    """A row whose ids and ARNs have EC2's form; `noun` is the resource type in them."""

    noun: ClassVar[str]
    prefix: ClassVar[str]

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        return self.add(ctx, new_id(ctx, self.prefix), body)

    def outputs(self, ctx: Context, record: Record) -> Json:
        out = super().outputs(ctx, record)
        if "arn" in self.computed:
            out["arn"] = f"arn:aws:ec2:{record.region}:{ctx.account}:{self.noun}/{record.id}"
        return out


def new_id(ctx: Context, prefix: str) -> str:
    """A fresh id of EC2's form."""
    return f"{prefix}-0{ctx.world.new_hex(16)}"
