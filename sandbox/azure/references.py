"""What a body points at by ARM id: it must exist, lie in the same region and be free."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.azure import vendor
from sandbox.azure.translate import INNER
from sandbox.fields import get
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record

PUBLIC_ADDRESSES = "Microsoft.Network/publicIPAddresses"


def kind_of(record_id: str) -> str:
    """The type that an id names, as in "Microsoft.Network/virtualNetworks/subnets"; empty for a resource group."""
    _, _, path = record_id.partition("/providers/")
    namespace, *rest = path.split("/")
    return "/".join([namespace, *rest[::2]])


def pointed_at(ctx: Context, record: Record) -> set[str]:
    """Ids of the other records that a body names. Raises Refusal for what is missing, too far away or taken."""
    found = {}
    for path, reference in _ids_in(record.body):
        if not _emulated(reference):
            continue
        target = _find(ctx, reference, record)
        if target is None or _apart(record, path, target):
            raise Refusal(
                "InvalidResourceReference",
                f"Resource {reference} referenced by resource {record.id} was not found. Please make sure that "
                "the referenced resource exists, and that both resources are in the same region.",
            )
        found[target.id] = target
    for target in found.values():
        _check_free(ctx, record, target)
    return found.keys() - {record.id}


def _ids_in(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every {"id": "/subscriptions/..."} in a body, with where it stands."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _ids_in(item, f"{path}[{number}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "id" and isinstance(item, str) and item.startswith("/subscriptions/"):
                yield path, item
            else:
                yield from _ids_in(item, f"{path}.{name}")


def _emulated(reference: str) -> bool:
    """Whether the world would hold it. A gallery image or a key has no row and may well exist."""
    kind = kind_of(reference)
    holder, _, collection = kind.rpartition("/")
    return kind in vendor.MODELS or collection in vendor.parts(holder)


def _find(ctx: Context, reference: str, own: Record) -> Record | None:
    """The record that an id names, itself or as the holder of a part (".../backendAddressPools/x"); `own` counts."""
    if record := _get(ctx, reference, own):
        return record
    holder_id, collection, part = reference.rsplit("/", 2)
    holder = _get(ctx, holder_id, own)
    held = get(holder.body, f"{INNER}.{collection}") if holder else None
    return holder if any(item.get("name") == part for item in held or ()) else None


def _get(ctx: Context, record_id: str, own: Record) -> Record | None:
    return own if record_id == own.id else ctx.world.get(ctx.cloud, kind_of(record_id), record_id)


def _apart(record: Record, path: str, target: Record) -> bool:
    """Networks end at their region, but for peerings, balancers over regions and what Front Door reaches."""
    crosses = (
        record.kind.startswith("Microsoft.Cdn/")
        or get(record.body, "sku.tier") == "Global"
        or "Peerings" in path
    )
    return not crosses and target.region != record.region


def _check_free(ctx: Context, record: Record, target: Record) -> None:
    """A public address serves one resource."""
    if target.kind != PUBLIC_ADDRESSES:
        return
    for user in ctx.world.children(target):
        if user.id != record.id:
            raise Refusal(
                "PublicIPAddressInUse",
                f"Resource {record.id} is referencing public IP address {target.id} that is already allocated to "
                f"resource {user.id}.",
            )
