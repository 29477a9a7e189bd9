"""Azure's management models as plain schemas: members by their REST names, what is required, which words they take.

The azure-mgmt packages are generated from the vendor's API descriptions. Their annotations say type and optionality;
a member that only the service writes has the visibility "read".
"""

from __future__ import annotations

import functools
import importlib
import typing
from dataclasses import dataclass
from enum import Enum
from types import NoneType
from typing import Any


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a model. `model` names a nested one; `words` are the values of an enum, as the vendor spells them."""

    required: bool
    many: bool
    model: tuple[str, str] | None
    words: tuple[str, ...]
    plain: tuple[type, ...]


@functools.cache
def members(package: str, name: str) -> dict[str, Member]:
    """The members of a model that a request may hold, by REST name.

    Older packages have no model for the `properties` of a model: it is called NAME/properties here.
    """
    models = importlib.import_module(f"azure.mgmt.{package}.models")
    model = getattr(models, name.split("/")[0])
    if not hasattr(model.__new__(model), "_attr_to_rest_field"):
        return _flattened(package, name, model)
    module = importlib.import_module(f"azure.mgmt.{package}.models._models")
    hints = typing.get_type_hints(model, {**vars(typing), **vars(module), "_models": models})
    fields = model.__new__(model)._attr_to_rest_field
    return {
        field._rest_name: _member(package, hints[attribute])
        for attribute, field in fields.items()
        if attribute in hints and field._visibility != ["read"]
    }


def _member(package: str, hint: Any) -> Member:
    arms = typing.get_args(hint) if typing.get_origin(hint) is typing.Union else (hint,)
    required = NoneType not in arms
    kinds = [arm for arm in arms if arm is not NoneType]
    many = typing.get_origin(kinds[0]) is list
    if many:
        (item,) = typing.get_args(kinds[0])
        kinds = list(typing.get_args(item)) if typing.get_origin(item) is typing.Union else [item]
    enums = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Enum)]
    models = [kind for kind in kinds if hasattr(kind, "_attr_to_rest_field") or _is_model(kind)]
    return Member(
        required=required,
        many=many,
        model=(package, models[0].__name__) if models else None,
        words=tuple(word.value for word in enums[0]) if enums else (),
        plain=tuple(kind for kind in kinds if kind in (str, int, float, bool)),
    )


def _flattened(package: str, name: str, model: Any) -> dict[str, Member]:
    """The members of a model that an older generator made, with those of the kinds that it may be (a destination's)."""
    inner = name.endswith("/properties")
    found: dict[str, Member] = {}
    below = False
    for kind in (model, *model.__subclasses__()):
        hints = _hints(package, kind)
        for attribute, field in kind._attribute_map.items():
            rules = kind._validation.get(attribute, {})
            place, _, rest = field["key"].rpartition(".")
            below = below or place == "properties"
            if rules.get("readonly") or (place == "properties") != inner:
                continue
            required = bool(rules.get("required")) and kind is model
            hint = hints.get(attribute)
            member = _old_member(package, field["type"], hint, required=required)
            found[rest] = _either(found[rest], member) if rest in found else member
    if below and not inner:
        properties = (package, f"{name}/properties")
        found["properties"] = Member(
            required=False, many=False, model=properties, words=(), plain=()
        )
    return found


def _either(one: Member, other: Member) -> Member:
    """A member that two kinds of a model have, each with values of its own."""
    if one == other:
        return one
    words = one.words + other.words if one.words and other.words else ()
    many, model = one.many or other.many, one.model or other.model
    return Member(one.required, many, model, words, tuple({*one.plain, *other.plain}))


def _hints(package: str, kind: Any) -> dict[str, Any]:
    """Its constructor's annotations, which name enums."""
    models = importlib.import_module(f"azure.mgmt.{package}.models")
    here = {**vars(typing), **vars(importlib.import_module(kind.__module__)), "_models": models}
    return typing.get_type_hints(kind.__init__, {**here, "JSON": Any})


_OLD_PLAIN = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "iso-8601": str,
    "duration": str,
}


def _old_member(package: str, kind: str, hint: Any, *, required: bool) -> Member:
    many = kind.startswith("[")
    one = kind.strip("[]")
    models = importlib.import_module(f"azure.mgmt.{package}.models")
    enums = [
        arm
        for arm in _leaves(hint)
        if isinstance(arm, type) and issubclass(arm, Enum) and issubclass(arm, str)
    ]
    plain = _OLD_PLAIN.get(one) or (int if "int" in str(hint) else None)
    return Member(
        required=required,
        many=many,
        model=(package, one) if hasattr(models, one) else None,
        words=tuple(word.value for word in enums[0]) if enums else (),
        plain=(plain,) if plain else (),
    )


def _leaves(hint: Any) -> list[Any]:
    """The types that an annotation is made of."""
    inside = typing.get_args(hint)
    return [leaf for arm in inside for leaf in _leaves(arm)] if inside else [hint]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and any(base.__name__ == "Model" for base in kind.__mro__)
