"""Address ranges of networks and subnets, as Azure judges them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

from sandbox.azure.arm import known_value
from sandbox.fields import UNKNOWN, Json
from sandbox.refusal import Refusal

Range = IPv4Network | IPv6Network


def check_ranges(body: Json, *paths: str) -> None:
    """Refuse what is no range, or one with bits beyond its length."""
    for prefix in _prefixes(body, paths):
        wide = _range(prefix)
        if wide is None:
            raise Refusal(
                "InvalidAddressPrefixFormat",
                f"Address prefix {prefix} is not formatted correctly. It should follow CIDR notation, for example "
                "10.0.0.0/24.",
            )
        if not prefix.startswith(f"{wide.network_address}/"):
            raise Refusal(
                "InvalidCIDRNotation",
                f"The address prefix {prefix} has an invalid CIDR notation. For the given prefix length, the address "
                f"prefix should be {wide}.",
            )


def ranges(body: Json, *paths: str) -> list[Range]:
    """The ranges at some paths of an accepted body."""
    return [found for prefix in _prefixes(body, paths) if (found := _range(prefix))]


def overlap(some: Iterable[Range], others: Iterable[Range]) -> bool:
    """Whether any two ranges share an address."""
    others = list(others)
    return any(one.overlaps(other) for one in some for other in others)


def within(one: Range, outer: Iterable[Range]) -> bool:
    """Whether a range lies in one of the others."""
    return any(
        one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]
        for other in outer
    )


def _prefixes(body: Json, paths: Iterable[str]) -> list[str]:
    values = [known_value(body, path) for path in paths]
    listed = [value if isinstance(value, list) else [value] for value in values if value]
    return [prefix for prefixes in listed for prefix in prefixes if prefix != UNKNOWN]


def _range(prefix: str) -> Range | None:
    try:
        return ip_network(prefix, strict=False) if "/" in prefix else None
    except ValueError:
        return None
