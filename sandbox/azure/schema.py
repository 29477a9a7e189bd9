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
    """The members of a model that a request may hold, by REST name."""
    models = importlib.import_module(f"azure.mgmt.{package}.models")
    module = importlib.import_module(f"azure.mgmt.{package}.models._models")
    model = getattr(models, name)
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


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and any(base.__name__ == "Model" for base in kind.__mro__)
