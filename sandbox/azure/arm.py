"""What all Azure rows share: ids, the PUT that replaces, where things live, deletion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from sandbox.azure import vendor
from sandbox.azure.references import pointed_at
from sandbox.azure.schema import members
from sandbox.azure.translate import from_arm, to_arm
from sandbox.fields import UNKNOWN, Json
from sandbox.kind import Autoname, Context, Kind, Request
from sandbox.machines import end_all
from sandbox.refusal import Refusal, Unmapped
from sandbox.world import Record

AUTONAME_DIGITS = 8
GROUPS = "Microsoft.Resources/resourceGroups"


class ArmKind(Kind):
    """A resource below a resource group.

    `name_input` names it (made up by the provider where the program does not), `path_inputs` name what it lives in,
    outermost first; their change replaces, and so does that of `fixed`. `busy`: code and text of the refusal to
    delete it while something outside it points at it. `identities_as`: how the provider spells the identities that ARM
    keeps as a map. `renamed`: inputs that the provider calls otherwise than the API calls its members.
    """

    name_input: ClassVar[str]
    path_inputs: ClassVar[tuple[str, ...]] = ()
    fixed: ClassVar[frozenset[str]] = frozenset()
    busy: ClassVar[tuple[str, str] | None] = None
    most_name: ClassVar[int] = 80
    identities_as: ClassVar[type] = list
    renamed: ClassVar[Mapping[str, str]] = {}
    vendor = vendor.check
    computed: ClassVar[tuple[str, ...]] = ("name", "type", "provisioningState")

    def __init_subclass__(cls) -> None:
        cls.api = cls.name
        cls.autoname = Autoname(cls.name_input, "", AUTONAME_DIGITS, cls.most_name)
        cls.provider_only = frozenset({"resourceGroupName", cls.name_input, *cls.path_inputs})
        cls.replace_on = cls.provider_only | cls.fixed

    @property
    def model(self) -> tuple[str, str]:
        """The vendor's model of the body."""
        return vendor.MODELS[self.name]

    def body(self, inputs: Json) -> Json:
        given = {k: v for k, v in inputs.items() if k not in self.provider_only}
        if "id" in given:  # some types carry their own id as an input; ARM takes it from the path
            raise Unmapped("id")
        named = {self.renamed.get(k, k): v for k, v in given.items()}
        return _with_identities(to_arm(self.model, named), _as_map)

    def requests(self, body: Json, verb: str) -> list[Request]:
        """A location that the program leaves out is the resource group's: the provider looks it up."""
        located = {"location": UNKNOWN} if "location" in members(*self.model) else {}
        return [Request(self.api, located | body)]

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
            region=place(body.get("location") or home.region),
            name=record_id.rsplit("/", 1)[-1],
            body=body,
            tags=self.tags(body),
            live={"path": {k: inputs[k] for k in self.provider_only if k in inputs}},
        )
        return self._put(ctx, record, home)

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        """A PUT: what the body leaves out is gone."""
        if place(body.get("location") or record.region) != record.region:
            raise Refusal(
                "InvalidResourceLocation",
                f"The resource '{record.name}' already exists in location '{record.region}'. A resource with the same "
                f"name cannot be created in location '{body['location']}'. Please select a new resource name.",
            )
        record.body = self.kept(record, body)
        record.tags = self.tags(body)
        self._put(ctx, record, self._home(ctx, record.id))

    def _put(self, ctx: Context, record: Record, home: Record) -> Record:
        record.parents = [home.id, *sorted(pointed_at(ctx, record) - {home.id})]
        self.settle(ctx, record)
        return ctx.world.put(record)

    def delete(self, ctx: Context, record: Record) -> None:
        """Refused while it is in use; then it goes with all that lives in it."""
        inside = f"{record.id}/"
        users = [user for user in ctx.world.children(record) if not user.id.startswith(inside)]
        if self.busy and users:
            code, text = self.busy
            named = ", ".join(user.id for user in users)
            raise Refusal(code, text.format(id=record.id, name=record.name, users=named))
        remove_below(ctx, record)
        ctx.world.remove(record)

    def kept(self, record: Record, body: Json) -> Json:
        """The new body; override where the service keeps something that a PUT leaves out, or refuses a change."""
        return body

    def settle(self, ctx: Context, record: Record) -> None:
        """What the service does with an accepted body: override."""

    def inputs(self, ctx: Context, record: Record) -> Json:
        body = _with_identities(record.body, self.identities_as)
        inputs = {member: name for name, member in self.renamed.items()}
        read: Json = {inputs.get(k, k): v for k, v in from_arm(self.model, body).items()}
        path: Json = record.live["path"]
        return read | path

    def shown(self, inputs: Json) -> Json:
        """Identities go in as a list and come out as the map that ARM keeps."""
        return _with_identities(inputs, _as_map)

    def outputs(self, ctx: Context, record: Record) -> Json:
        known = {"name": record.name, "type": self.name, "provisioningState": "Succeeded"}
        return known | self._parts(record)

    def _parts(self, record: Record) -> Json:
        """The named parts of the body with the ids by which others point at them."""
        read = from_arm(self.model, record.body)
        return {
            collection: [
                item | {"id": f"{record.id}/{collection}/{item.get('name', number)}"}
                for number, item in enumerate(read[collection])
            ]
            for collection in vendor.parts(self.name)
            if collection in read
        }

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


def _with_identities(body: Json, spelled: Callable[[Any], Any]) -> Json:
    """The body with its user-assigned identities spelled otherwise: a list of ids is a map to nothing in ARM."""
    held = known_value(body, "identity.userAssignedIdentities")
    if not held:
        return body
    return body | {"identity": body["identity"] | {"userAssignedIdentities": spelled(held)}}


def _as_map(identities: Any) -> Json:
    return identities if isinstance(identities, dict) else {name: {} for name in identities}


def group_id(account: str, group: str) -> str:
    """A resource group's id."""
    return f"/subscriptions/{account}/resourceGroups/{group}"


def place(location: str) -> str:
    """A region's name as ARM compares it: "East US" is "eastus"."""
    return location.replace(" ", "").lower()


def remove_below(ctx: Context, record: Record) -> None:
    """Remove everything whose id lies below a record's, machines included."""
    for inside in ctx.world.all(record.cloud):
        if inside.id.startswith(f"{record.id}/"):
            end_all(ctx.world, inside)
            ctx.world.remove(inside)


def look(body: Json, path: str) -> Any:
    """The value at a dotted path: None where there is none, UNKNOWN where preview cannot say yet."""
    value: Any = body
    for step in path.split("."):
        if not isinstance(value, dict):
            return UNKNOWN if value == UNKNOWN else None
        value = value.get(step)
    return value


def known_value(body: Json, path: str) -> Any:
    """A value to judge: None where it is absent or preview does not know it yet."""
    value = look(body, path)
    return None if value == UNKNOWN else value


def known_items(body: Json, path: str) -> list[Json]:
    """The objects of a list that preview knows already."""
    return [item for item in known_value(body, path) or () if item != UNKNOWN]
