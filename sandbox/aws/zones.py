"""Availability zones: an account's aliases for them and their ids."""

from __future__ import annotations

import re
from typing import Any

from sandbox.fields import UNKNOWN, Json
from sandbox.refusal import Refusal


def zone_of(region: str, body: Json) -> str:
    """The id of the zone that a subnet asks for; zones are aliased in order: az1 is a, az2 is b.

    Accounts alias zones as they like; which alias is which does not matter, as long as it stays.
    """
    name: Any = body.get("AvailabilityZone")
    zone_id: Any = body.get("AvailabilityZoneId")
    if UNKNOWN in (region, name, zone_id):
        return UNKNOWN
    if not region:
        raise Refusal(
            "MissingRegion", "no region: set aws:region, or the resource's own input region"
        )
    short = zone_prefix(region)
    if name is not None:
        if not re.fullmatch(rf"{re.escape(region)}[a-h]", name):
            raise _no_zone("availabilityZone", name)
        return f"{short}-az{ord(name[-1]) - ord('a') + 1}"
    if zone_id is not None and not re.fullmatch(rf"{short}-az[1-8]", zone_id):
        raise _no_zone("availabilityZoneId", zone_id)
    return zone_id or f"{short}-az1"


def zone_prefix(region: str) -> str:
    """How zone ids of a region begin: `us-east-1` -> `use1`, `ap-southeast-2` -> `apse2`."""
    first, *words, number = region.split("-")
    letters = re.findall("(n)orth|(s)outh|(e)ast|(w)est|(c)entral|(g)ov", "".join(words))
    return f"{first}{''.join(''.join(found) for found in letters)}{number}"


def zone_name(region: str, zone_id: str) -> str:
    """The account's alias of a zone."""
    return f"{region}{chr(ord('a') + int(zone_id[-1]) - 1)}"


def _no_zone(parameter: str, value: str) -> Refusal:
    return Refusal(
        "InvalidParameterValue", f"Value ({value}) for parameter {parameter} is invalid."
    )
