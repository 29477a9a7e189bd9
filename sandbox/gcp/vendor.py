"""Checks a request against Google's own models: the discovery documents that googleapiclient bundles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from sandbox.fields import UNKNOWN, Json
from sandbox.gcp import refusals
from sandbox.gcp.required import REQUIRED
from sandbox.kind import Request

_DOCUMENTS = "discovery_cache/documents"
_VERSIONS = {
    "cloudfunctions": "v2",
    "logging": "v2",
    "monitoring": "v3",
    "run": "v2",
    "serviceusage": "v1beta1",
}
"""Of the services whose version in use is not v1."""
_INT64 = re.compile(r"-?\d+")


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a request: where it stands, what it holds (None: absent), what the model says of it.

    `schema` is None for a member that the model does not have.
    """

    path: tuple[str | int, ...]
    value: Any
    schema: Json | None
    required: bool

    @property
    def where(self) -> str:
        """The path as Google's messages write it."""
        return "resource" + "".join(
            f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path
        )


def check(request: Request) -> None:
    """Raise the refusal that the API would answer with. Unknown values pass."""
    for member in members(request):
        _check(member)


def members(request: Request) -> Iterator[Member]:
    """Every member of a request, and those that are required but absent."""
    yield from _object(_schema(request.operation), request.params, (), request.operation)


def required_members(request: Request) -> list[Member]:
    """Members of this request that it must have."""
    return [m for m in members(request) if m.required and m.value is not None]


def enum_members(request: Request) -> list[Member]:
    """Members of this request whose values are counted out in the model."""
    return [m for m in members(request) if m.schema and "enum" in m.schema]


def _check(member: Member) -> None:
    if member.value is None and member.required:
        raise refusals.required(member.where)
    if member.value is None or member.value == UNKNOWN:
        return
    if member.schema is None:
        raise refusals.unknown(member.where.rpartition(".")[0], str(member.path[-1]))
    kind = member.schema.get("type", "object")
    if not _is(kind, member.schema.get("format", ""), member.value):
        expected = member.schema.get("format") or kind
        raise refusals.malformed(member.where, member.value, f"TYPE_{expected.upper()}")
    choices = member.schema.get("enum")
    if choices and member.value not in choices:
        raise refusals.malformed(member.where, member.value, f"one of {', '.join(choices)}")
    pattern = member.schema.get("pattern")
    if pattern and isinstance(member.value, str) and not re.fullmatch(pattern, member.value):
        raise refusals.invalid(
            member.where, member.value, f"Must be a match of regex '(?:{pattern})'"
        )


def _is(kind: str, form: str, value: Any) -> bool:
    """Whether a value has a JSON type of the model; 64-bit integers travel as digits."""
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "string" and form in ("int64", "uint64"):
        return _INT64.fullmatch(str(value)) is not None
    if kind == "string":
        return isinstance(value, str)
    return isinstance(value, list if kind == "array" else dict) or kind == "any"


def _object(
    schema: Json, body: Json, path: tuple[str | int, ...], operation: str
) -> Iterator[Member]:
    known: Mapping[str, Json] = schema.get("properties", {})
    free = schema.get("additionalProperties")
    must = REQUIRED.get(operation, frozenset())
    for name, inner in known.items():
        here = (*path, name)
        marked = operation in inner.get("annotations", {}).get("required", ())
        needed = marked or inner.get("required") is True or _pattern(here) in must
        if name in body or needed:
            yield from _member(inner, body.get(name), here, operation, needed=needed)
    for name in (name for name in body if name not in known):
        here = (*path, name)
        if free is None:
            yield Member(here, body[name], None, required=False)
        else:
            yield from _member(free, body[name], here, operation, needed=False)


def _member(
    schema: Json, value: Any, path: tuple[str | int, ...], operation: str, *, needed: bool
) -> Iterator[Member]:
    if "$ref" in schema:
        schema = _model(operation.partition(".")[0])["schemas"][schema["$ref"]]
    yield Member(path, value, schema, required=needed)
    if isinstance(value, dict) and schema.get("type") == "object":
        yield from _object(schema, value, path, operation)
    elif isinstance(value, list) and schema.get("type") == "array":
        # The document states the pattern of the items on the array.
        inner = {"pattern": schema.get("pattern"), **schema["items"]}
        for index, item in enumerate(value):
            yield from _member(inner, item, (*path, index), operation, needed=False)


def _pattern(path: tuple[str | int, ...]) -> str:
    """A path with `[]` for indices: the form of the reviewed list."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in path)[1:]


def _schema(operation: str) -> Json:
    """The schema of a call's body, or of its query where it has no body ('compute.<collection>.<method>')."""
    service, *collections, method = operation.split(".")
    model = level = _model(service)
    for collection in collections:
        level = level["resources"][collection]
    call = level["methods"][method]
    if "request" in call:
        body: Json = model["schemas"][call["request"]["$ref"]]
        return body
    query = {k: v for k, v in call["parameters"].items() if v["location"] == "query"}
    return {"type": "object", "properties": query}


@cache
def _model(service: str) -> Json:
    name = f"{_DOCUMENTS}/{service}.{_VERSIONS.get(service, 'v1')}.json"
    document: Json = json.loads(files("googleapiclient").joinpath(name).read_text())
    return document
