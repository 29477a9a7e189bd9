"""What all Azure rows share: ids, the PUT that replaces, references that must exist, deletion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from sandbox.azure import vendor
from sandbox.azure.translate import INNER, from_arm, to_arm
from sandbox.fields import UNKNOWN, Json, get
from sandbox.kind import Autoname, Context, Kind
from sandbox.refusal import Refusal, Unmapped
from sandbox.world import Record

AUTONAME_DIGITS = 8
GROUPS = "Microsoft.Resources/resourceGroups"


class ArmKind(Kind):
    """A resource below a resource group.

    `name_input` names it (made up by the provider where the program does not), `path_inputs` name what it lives in,
    outermost first. Names and location are for life: their change replaces.
    """

    name_input: ClassVar[str]
    path_inputs: ClassVar[tuple[str, ...]] = ()
    most_name: ClassVar[int] = 80
    vendor = vendor.check
    computed: ClassVar[tuple[str, ...]] = ("name", "type", "provisioningState")

    def __init_subclass__(cls) -> None:
        cls.api = cls.name
        cls.autoname = Autoname(cls.name_input, "", AUTONAME_DIGITS, cls.most_name)
        cls.provider_only = frozenset({"resourceGroupName", cls.name_input, *cls.path_inputs})
        cls.replace_on = frozenset({"location", *cls.provider_only})

    @property
    def model(self) -> tuple[str, str]:
        """The vendor's model of the body."""
        return vendor.MODELS[self.name]

    def body(self, inputs: Json) -> Json:
        given = {k: v for k, v in inputs.items() if k not in self.provider_only}
        if (
            "id" in given
        ):  # azure-native lets some types carry their own id; ARM takes it from the path
            raise Unmapped("id")
        return to_arm(self.model, given)

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        record_id = self.arm_id(ctx, inputs)
        if ctx.world.get(ctx.cloud, self.name, record_id):
            raise Refusal(
                "ResourceExists", f"cannot create already existing resource '{record_id}'"
            )
        home = self._home(ctx, record_id)
        record = Record(
            cloud=ctx.cloud,
            kind=self.name,
            id=record_id,
            region=body.get("location") or home.region,
            name=record_id.rsplit("/", 1)[-1],
            body=body,
            tags=self.tags(body),
            live={"path": {k: inputs[k] for k in self.provider_only if k in inputs}},
        )
        self._point(ctx, record, home)
        self.settle(ctx, record)
        return ctx.world.put(record)

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        """A PUT: what the body leaves out is gone."""
        record.body = self.kept(record, body)
        record.tags = self.tags(body)
        self._point(ctx, record, self._home(ctx, record.id))
        self.settle(ctx, record)
        ctx.world.put(record)

    def kept(self, record: Record, body: Json) -> Json:
        """The new body; override where the service keeps something that a PUT leaves out."""
        return body

    def settle(self, ctx: Context, record: Record) -> None:
        """What the service does with an accepted body: override."""

    def inputs(self, ctx: Context, record: Record) -> Json:
        read: Json = from_arm(record.body) | record.live["path"]
        return read

    def outputs(self, ctx: Context, record: Record) -> Json:
        return {"name": record.name, "type": self.name, "provisioningState": "Succeeded"}

    def arm_id(self, ctx: Context, inputs: Json) -> str:
        """/subscriptions/S/resourceGroups/G/providers/N/type/name[/type/name ...]."""
        namespace, *types = self.name.split("/")
        names = [inputs[name] for name in (*self.path_inputs, self.name_input)]
        path = "/".join(f"{kind}/{name}" for kind, name in zip(types, names, strict=True))
        group = inputs["resourceGroupName"]
        return f"{group_id(ctx.account, group)}/providers/{namespace}/{path}"

    def _home(self, ctx: Context, record_id: str) -> Record:
        """The resource group, or the resource that this one is a part of; it must exist."""
        if not self.path_inputs:
            group = record_id.split("/providers/", 1)[0]
            name = group.rsplit("/", 1)[-1]
            gone = Refusal("ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
            return ctx.need(GROUPS, group, gone)
        outer = record_id.rsplit("/", 2)[0]
        gone = Refusal("ParentResourceNotFound", f"Failed to perform 'write' on resource(s) of '{self.name}', because the parent resource '{outer}' could not be found.")  # fmt: skip
        return ctx.need(self.name.rsplit("/", 1)[0], outer, gone)

    def _point(self, ctx: Context, record: Record, home: Record) -> None:
        """Note what the resource lives in and points at; refuse what is not there."""
        ids = {found.id for path, found in self._references(ctx, record)}
        record.parents = [home.id, *sorted(ids - {home.id, record.id})]

    def _references(self, ctx: Context, record: Record) -> Iterator[tuple[str, Record]]:
        for path, reference in ids_in(record.body):
            found = resolve(ctx, reference, record)
            if found is None:
                raise Refusal(
                    "InvalidResourceReference",
                    f"Resource {reference} referenced by resource {record.id} was not found. Please make sure that "
                    "the referenced resource exists, and that both resources are in the same region.",
                )
            yield path, found


def group_id(account: str, group: str) -> str:
    """A resource group's id."""
    return f"/subscriptions/{account}/resourceGroups/{group}"


def ids_in(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every {"id": "/subscriptions/..."} in a body, with where it stands."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from ids_in(item, f"{path}[{number}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "id" and isinstance(item, str) and item.startswith("/subscriptions/"):
                yield path, item
            else:
                yield from ids_in(item, f"{path}.{name}")


def resolve(ctx: Context, reference: str, own: Record) -> Record | None:
    """The record that an id names, itself or as the holder of a part (".../backendAddressPools/x"); `own` counts."""
    known = {record.id: record for record in ctx.world.all(ctx.cloud)} | {own.id: own}
    if reference in known:
        return known[reference]
    holder_id, _, part = reference.rpartition("/")
    holder_id, _, collection = holder_id.rpartition("/")
    holder = known.get(holder_id)
    if holder is None:
        return None
    parts = get(holder.body, f"{INNER}.{collection}") or []
    return holder if any(item.get("name") == part for item in parts) else None


def known_value(body: Json, path: str) -> Any:
    """A value to judge: None where it is absent or preview does not know it yet."""
    value = get(body, path)
    return None if value == UNKNOWN else value
