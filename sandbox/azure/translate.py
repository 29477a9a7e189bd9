"""Between azure-native's inputs and ARM bodies: the same names, without the `properties` level.

azure-native flattens the `properties` object of every resource, nested ones included. The map is derived from the
vendor's models, so that each input lands where the API has a member of that name, or is refused as unmapped.
"""

from __future__ import annotations

from typing import Any

from sandbox.azure.schema import Member, members
from sandbox.fields import UNKNOWN, Json
from sandbox.refusal import Unmapped

INNER = "properties"


def to_arm(model: tuple[str, str], inputs: Json, where: str = "") -> Json:
    """Inputs -> ARM body. Raises Unmapped for a name that the model does not have."""
    outer = members(*model)
    inner_model = outer[INNER].model if INNER in outer else None
    inner = members(*inner_model) if inner_model else {}
    body: Json = {}
    for name, value in inputs.items():
        if name in outer and name != INNER:
            body[name] = _to_arm(outer[name], value, f"{where}{name}")
        elif name in inner:
            body.setdefault(INNER, {})[name] = _to_arm(inner[name], value, f"{where}{name}")
        else:
            raise Unmapped(f"{where}{name}")
    return body


def _to_arm(member: Member, value: Any, where: str) -> Any:
    if value == UNKNOWN or member.model is None:
        return value
    if member.many:
        return [
            item if item == UNKNOWN else to_arm(member.model, item, f"{where}[{i}].")
            for i, item in enumerate(value)
        ]
    return to_arm(member.model, value, f"{where}.")


def from_arm(model: tuple[str, str], body: Json) -> Json:
    """ARM body -> inputs: the `properties` level of every object that has one in its model goes."""
    outer = members(*model)
    inner_model = outer[INNER].model if INNER in outer else None
    if inner_model is None:
        return {name: _from_arm(outer[name], value) for name, value in body.items()}
    flat = {name: _from_arm(outer[name], value) for name, value in body.items() if name != INNER}
    return flat | from_arm(inner_model, body.get(INNER, {}))


def _from_arm(member: Member, value: Any) -> Any:
    if member.model is None:
        return value
    if member.many:
        return [from_arm(member.model, item) for item in value]
    return from_arm(member.model, value)
