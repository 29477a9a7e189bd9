"""One reviewed row per resource type: which API it stands for, how inputs map, what the cloud does with them.

A cloud's module lists its kinds in a tuple `KINDS`; `sandbox.provider` serves them to the engine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sandbox.fields import Fields, Json, backward, forward
from sandbox.refusal import Refusal
from sandbox.world import Record, World

CREATE = "create"
UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Request:
    """One call to a vendor's API: `operation` as the vendor names it, `params` as it would travel."""

    operation: str
    params: Json


@dataclass(frozen=True, slots=True)
class Autoname:
    """How a provider names what the program leaves unnamed: the resource's name, cut, and random hex digits.

    No name is made where the program gives one of the inputs in `unless`.
    """

    field: str = "name"
    separator: str = "-"
    digits: int = 7
    longest: int = 255
    lower: bool = False
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """Whose account and region a call goes to. `olds`: on an update, the inputs that the state has."""

    world: World
    cloud: str
    region: str
    account: str
    olds: Json = field(default_factory=dict)

    def need(self, kind: str, record_id: str, refusal: Refusal) -> Record:
        """The record a request points at, or the cloud's refusal."""
        record = self.world.get(self.cloud, kind, record_id)
        if record is None:
            raise refusal
        return record


class Kind(ABC):
    """A resource type. Subclasses set the class variables and override what their API does differently.

    `api`: operation of the create call; `update_api`: of the update (defaults to `api`). `provider_only`: inputs that
    no API sees. `replace_on`: inputs whose change replaces the resource. `computed`: outputs unknown before creation.
    `size_path`: where a group's body keeps its wanted size.
    """

    token: ClassVar[str]
    name: ClassVar[str]
    api: ClassVar[str]
    update_api: ClassVar[str] = ""
    fields: ClassVar[Fields] = {}
    provider_only: ClassVar[frozenset[str]] = frozenset()
    replace_on: ClassVar[frozenset[str]] = frozenset()
    computed: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[dict[str, Any]] = {}
    autoname: ClassVar[Autoname | None] = None
    vendor: ClassVar[Callable[[Request], None]]
    in_use: ClassVar[Refusal | None] = None
    size_path: ClassVar[str] = ""

    def body(self, inputs: Json) -> Json:
        """Inputs as the API's members. Raises Unmapped."""
        return forward(
            self.fields, {k: v for k, v in inputs.items() if k not in self.provider_only}
        )

    def requests(self, body: Json, verb: str) -> list[Request]:
        """The calls that create or update the resource; each is checked against the vendor's model."""
        operation = self.update_api if verb == UPDATE and self.update_api else self.api
        return [Request(operation, body)]

    def check(self, ctx: Context, body: Json, verb: str) -> None:
        """Refuse what the cloud refuses without looking at other resources. May meet UNKNOWN values in preview."""
        for request in self.requests(body, verb):
            type(self).vendor(request)
        self.rules(ctx, body, verb)

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        """Refusals that are in no model: override. UNKNOWN values must pass."""

    @abstractmethod
    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        """Bring the resource into being and return its record (already put into the world)."""

    def update(self, ctx: Context, record: Record, body: Json, inputs: Json) -> None:
        """Default: what the request says replaces what was there (a PUT)."""
        record.body = body
        record.tags = self.tags(body)
        ctx.world.put(record)

    def delete(self, ctx: Context, record: Record) -> None:
        """Default: refused with `in_use` while something points at it; then gone."""
        if self.in_use and ctx.world.children(record):
            raise self.in_use
        ctx.world.remove(record)

    def tags(self, body: Json) -> dict[str, str]:
        """Tags or labels in the request: override where the API has them elsewhere."""
        tags = body.get("tags") or body.get("labels") or {}
        return dict(tags) if isinstance(tags, dict) else {}

    def inputs(self, ctx: Context, record: Record) -> Json:
        """The inputs that would make this record: what refresh and import read."""
        return backward(self.fields, record.body)

    def shown(self, inputs: Json) -> Json:
        """The inputs as the provider repeats them among its outputs: override where it spells them otherwise there."""
        return inputs

    def outputs(self, ctx: Context, record: Record) -> Json:
        """Outputs beyond the inputs; must have the names in `computed`."""
        return {}

    def unknown_after(self, ctx: Context, inputs: Json) -> tuple[str, ...]:
        """Outputs that an update from `ctx.olds` to these inputs makes unknown in preview."""
        return ()
