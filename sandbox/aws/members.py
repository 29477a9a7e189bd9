"""How AWS writes what programs give otherwise: tags, lists of one-member objects, booleans in strings."""

from __future__ import annotations

from typing import Any

from sandbox.fields import UNKNOWN, Field, Fields, Json, backward, forward, member
from sandbox.refusal import Refusal


def ec2_tags(noun: str) -> Field:
    """Tags as EC2's create calls take them."""
    return member(
        "TagSpecifications",
        lambda tags: [{"ResourceType": noun, "Tags": pairs(tags)}],
        lambda specs: unpaired(specs[0]["Tags"]) if isinstance(specs, list) else {},
    )


def check_tags(tags: dict[str, str]) -> None:
    """The limits that all of AWS has for tags."""
    if len(tags) > 50:
        raise Refusal("TagLimitExceeded", f"More than 50 tags specified: {len(tags)}")
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            raise Refusal(
                "InvalidParameterValue",
                f"Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved "
                "for internal use",
            )
        if not 1 <= len(key) <= 128 or len(value) > 256:
            raise Refusal(
                "InvalidParameterValue",
                f"tag {key!r}: keys have 1 to 128 characters, values up to 256",
            )


def pairs(tags: dict[str, str]) -> list[Json]:
    """A map of tags as AWS lists it."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def unpaired(tags: Any) -> dict[str, str]:
    """AWS's list of tags as a map; what preview does not know yet is left out."""
    known = [tag for tag in tags if tag != UNKNOWN] if isinstance(tags, list) else []
    return {tag["Key"]: tag["Value"] for tag in known if "Key" in tag and "Value" in tag}


def same(*names: str) -> dict[str, Field]:
    """Inputs whose API members have the same name with a capital."""
    return {name: member(name[0].upper() + name[1:]) for name in names}


def boolean(path: str) -> Field:
    """A member that is a boolean for the API and a string for the provider."""
    return member(path, lambda text: str(text).lower() == "true", lambda flag: str(flag).lower())


def each(path: str, key: str) -> Field:
    """A list of strings that the API wants as a list of objects with one member."""
    return member(
        path,
        lambda items: [{key: item} for item in items],
        lambda items: [item[key] for item in items],
    )


def single(path: str, fields: Fields) -> Field:
    """A list of at most one object that the API wants without the list."""
    return member(
        path,
        lambda items: forward(fields, items[0]) if items and items[0] != UNKNOWN else {},
        lambda body: [backward(fields, body)],
    )
