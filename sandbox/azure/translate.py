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
    for given, value in inputs.items():
        place = f"{where}{given}"
        if (name := _rest_name(given, outer)) and name != INNER:
            body[name] = _to_arm(outer[name], value, place)
        elif name := _rest_name(given, inner):
            body.setdefault(INNER, {})[name] = _to_arm(inner[name], value, place)
        else:
            raise Unmapped(place)
    return body


def _rest_name(name: str, known: dict[str, Member]) -> str:
    """How the API spells an input: in a few types with capitals or underscores, such as Application_Type."""
    if name in known:
        return name
    return next((rest for rest in known if _input(rest) == name), "")


def _input(rest_name: str) -> str:
    """The input of a member."""
    first, *rest = rest_name.split("_")
    return first[:1].lower() + first[1:] + "".join(word[:1].upper() + word[1:] for word in rest)


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
        return {_input(name): _from_arm(outer[name], value) for name, value in body.items()}
    flat = {
        _input(name): _from_arm(outer[name], value) for name, value in body.items() if name != INNER
    }
    return flat | from_arm(inner_model, body.get(INNER, {}))


def _from_arm(member: Member, value: Any) -> Any:
    if member.model is None:
        return value
    if member.many:
        return [from_arm(member.model, item) for item in value]
    return from_arm(member.model, value)
