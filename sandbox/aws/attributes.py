"""Attributes of load balancers, target groups and listeners: keys and values that are all strings.

A body keeps them as a map whose keys have slashes for dots, since dots part paths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.fields import UNKNOWN, Field, Json, member
from sandbox.refusal import Refusal

_WORDS = {
    "dns_record.client_routing_policy": (
        "any_availability_zone",
        "availability_zone_affinity",
        "partial_availability_zone_affinity",
    ),
    "load_balancing.algorithm.anomaly_mitigation": ("on", "off"),
    "load_balancing.algorithm.type": (
        "least_outstanding_requests",
        "round_robin",
        "weighted_random",
    ),
    "load_balancing.cross_zone.enabled": ("true", "false", "use_load_balancer_configuration"),
    "preserve_client_ip.enabled": ("true", "false"),
    "routing.http.desync_mitigation_mode": ("defensive", "monitor", "strictest"),
    "routing.http.xff_header_processing.mode": ("append", "preserve", "remove"),
    "stickiness.type": (
        "app_cookie",
        "lb_cookie",
        "source_ip",
        "source_ip_dest_ip",
        "source_ip_dest_ip_proto",
    ),
    "target_failover.on_deregistration": ("no_rebalance", "rebalance"),
    "target_failover.on_unhealthy": ("no_rebalance", "rebalance"),
}
_SECONDS = {
    "client_keep_alive.seconds": range(60, 604_801),
    "deregistration_delay.timeout_seconds": range(3_601),
    "idle_timeout.timeout_seconds": range(1, 4_001),
    "stickiness.lb_cookie.duration_seconds": range(1, 604_801),
    "tcp.idle_timeout.seconds": range(60, 6_001),
}
"""Limits from the API reference of Elastic Load Balancing; its model has none."""


def attribute(operation: str, key: str, kind: Callable[[str], Any] = str) -> Field:
    """An entry of a Modify...Attributes call, whose values are all strings."""
    back = (lambda text: text == "true") if kind is bool else kind
    path = f"{operation}.Attributes.{key.replace('.', '/')}"
    return member(path, lambda value: str(value).lower() if kind is bool else str(value), back)


def listed(attributes: Json) -> list[Json]:
    """Attributes as their calls carry them; a group of them stands in a slot of its own."""
    pairs: list[Json] = []
    for key, value in attributes.items():
        if isinstance(value, dict):
            pairs += listed(value)
        elif value != UNKNOWN or "/" in key:
            pairs.append({"Key": key.replace("/", "."), "Value": value})
    return pairs


def check_attributes(pairs: Any) -> None:
    """Refuse values outside the documented ones."""
    for pair in pairs if isinstance(pairs, list) else []:
        key, value = pair["Key"], pair["Value"]
        if value == UNKNOWN:
            continue
        words, seconds = _WORDS.get(key, ()), _SECONDS.get(key, range(0))
        if words and value not in words:
            raise _invalid(key, value, f"one of {', '.join(words)}")
        if seconds and not (value.isdigit() and int(value) in seconds):
            raise _invalid(key, value, f"{seconds[0]} to {seconds[-1]}")


def _invalid(key: str, value: str, allowed: str) -> Refusal:
    return Refusal(
        "ValidationError",
        f"'{value}' is not a valid value for attribute '{key}': must be {allowed}",
    )
