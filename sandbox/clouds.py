"""The three clouds by name, and what each cloud's package gives to the core.

A cloud's package `sandbox/<cloud>/__init__.py` may define, beside KINDS and `family_of`:
- `SIDE`: a `sandbox.life.Side`, how its groups and machines behave in time;
- `ROUTES`: `(ctx, event) -> list[Delivery]`, where its events go (`sandbox.bus`);
- `RUNNER`: `(ctx, record) -> Runner`, how it starts a function (`sandbox.functions`);
- `FACE`: `(world, functions) -> Face`, its HTTP API (`sandbox.http`), made at the first request; `TLS = True` where its
  clients insist on TLS;
- `METADATA`: `(ctx, machine, request) -> Reply`, its metadata service (`sandbox.metadata`).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from sandbox.kind import Context, Kind
from sandbox.world import Record, World


@dataclass(frozen=True, slots=True)
class Package:
    """A Pulumi package and the cloud behind it; `account` is the one account this cloud has, unless a program names its own."""

    name: str
    cloud: str
    account: str

    def kinds(self) -> tuple[Kind, ...]:
        """The reviewed rows; imported when asked for, since the vendors' models are large."""
        kinds: tuple[Kind, ...] = self.part("KINDS")
        return kinds

    def family_of(self, market: str, instance_type: str) -> str:
        """The quota that a machine counts against."""
        family: str = self.part("family_of")(market, instance_type)
        return family

    def part(self, name: str) -> Any:
        """What the cloud's package defines under this name, None where it does not."""
        return getattr(importlib.import_module(f"sandbox.{self.cloud}"), name, None)


PACKAGES = (
    Package("aws", "aws", "111122223333"),
    Package("gcp", "gcp", "emulated-project"),
    Package("azure-native", "azure", "11111111-2222-3333-4444-555555555555"),
)
_BY_CLOUD = {package.cloud: package for package in PACKAGES}
CLOUDS = tuple(_BY_CLOUD)


def part(cloud: str, name: str) -> Any:
    """A cloud's part, None where it has none."""
    return _BY_CLOUD[cloud].part(name)


def context(world: World, cloud: str, region: str) -> Context:
    """The cloud acting by itself in a region."""
    return Context(world, cloud, region, account_of(world, cloud))


def account_of(world: World, cloud: str) -> str:
    """The account (project, subscription) that the cloud has."""
    return world.setting(f"account/{cloud}", _BY_CLOUD[cloud].account)


def name_account(world: World, cloud: str, account: str) -> None:
    """The cloud's one account is called so from now on: a program builds there under this name."""
    if account != account_of(world, cloud):
        world.set_setting(f"account/{cloud}", account)


def context_of(world: World, record: Record) -> Context:
    """The cloud acting by itself where a record is."""
    return context(world, record.cloud, record.region)


def endpoint(world: World, cloud: str) -> str:
    """The base URL of a cloud's HTTP API while it is served, without a slash at the end; `ca`: the file of the CA."""
    return world.setting(f"endpoint/{cloud}", "")
