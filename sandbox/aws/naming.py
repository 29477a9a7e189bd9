"""Names of AWS resources: made from prefixes, unique in a region, within the rules."""

from __future__ import annotations

from typing import ClassVar

from sandbox.aws.row import PROVIDER, AwsKind
from sandbox.fields import UNKNOWN, Json
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record


class NamedKind(AwsKind):
    """A row whose resources have a name of their own: `named_by` is its member, `taken` the refusal of a second one."""

    named_by: ClassVar[str]
    taken: ClassVar[tuple[str, str]]

    def body(self, inputs: Json) -> Json:
        """A name that is still to be made from a prefix is unknown."""
        return {self.named_by: UNKNOWN} | super().body(inputs)

    def claim(self, ctx: Context, body: Json) -> str:
        """The name under which the resource can be created."""
        if body[self.named_by] == UNKNOWN:
            body[self.named_by] = f"{body[PROVIDER]['namePrefix']}{ctx.world.new_hex(26)}"
        name: str = body[self.named_by]
        for other in ctx.world.all(ctx.cloud, self.name):
            if (other.name, other.region) == (name, ctx.region) and self.rivals(other, body):
                code, words = self.taken
                raise Refusal(code, words.format(name=name))
        return name

    def claim_everywhere(self, ctx: Context, body: Json) -> str:
        """As `claim`; the engine knows such a resource by its name alone, hence a refusal that is not AWS's."""
        name = self.claim(ctx, body)
        other = ctx.world.get(ctx.cloud, self.name, name)
        if other is not None:
            raise Refusal(
                "NotEmulated",
                f"{self.name.split(':')[1]} {name} exists in {other.region}; the emulated AWS needs names that are unique over "
                "regions",
            )
        return name

    def rivals(self, other: Record, body: Json) -> bool:
        """Whether two resources of one name in one region cannot both be."""
        return True


def check_name(what: str, name: str) -> None:
    """The rules of ELB for names of load balancers and target groups."""
    if name == UNKNOWN:
        return
    if len(name) > 32:
        raise Refusal(
            "ValidationError", f"The {what} name '{name}' cannot be longer than '32' characters"
        )
    if not name.replace("-", "").isalnum() or not name.isascii():
        raise Refusal(
            "ValidationError",
            f"The {what} name '{name}' can only contain characters that are alphanumeric characters and "
            "hyphens(-)",
        )
    if name.startswith("-") or name.endswith("-"):
        raise Refusal(
            "ValidationError", f"The {what} name '{name}' cannot begin or end with a hyphen(-)"
        )
