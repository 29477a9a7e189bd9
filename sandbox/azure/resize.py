"""A new capacity for a scale set, as the API and a PUT carry it out."""

from __future__ import annotations

from sandbox.azure.scale_sets import order_of, shortage
from sandbox.fields import Json
from sandbox.kind import Context
from sandbox.machines import fill, machines_of
from sandbox.refusal import Refusal
from sandbox.world import Record


class Short(Refusal):
    """Nothing at all of what was asked for can be had: said at once, and nothing is changed."""


def resize(ctx: Context, scale_set: Record, patch: Json) -> None:
    """Merge a PATCH into a set and buy or end machines.

    What can be had only in part is bought; then the operation fails, and the capacity stays as it was asked for. Raises
    Short, or Refusal for a capacity out of range.
    """
    sku = scale_set.body.get("sku", {}) | (patch.get("sku") or {})
    capacity = sku.get("capacity") or 0
    if not 0 <= capacity <= 1000:
        raise Refusal("InvalidParameter", f"The value {capacity} of parameter 'sku.capacity' is out of range: 0 to 1000.")  # fmt: skip
    wanted = scale_set.body | {"sku": sku}
    if patch.get("tags") is not None:
        wanted["tags"] = patch["tags"]
    before = len(machines_of(ctx.world, scale_set))
    held, scale_set.body = scale_set.body, wanted
    order = order_of(scale_set)
    missing = fill(ctx.world, order)
    if missing and len(machines_of(ctx.world, scale_set)) == before:
        scale_set.body = held
        refusal = shortage(missing[0], order)
        raise Short(refusal.code, refusal.message)
    scale_set.tags = dict(wanted.get("tags") or {})
    scale_set.live["version"] = scale_set.live.get("version", 1) + 1
    scale_set.live["capacity"] = capacity
    scale_set.live["failed"] = _failure(ctx, missing[0].reason) if missing else None
    ctx.world.put(scale_set)


def _failure(ctx: Context, reason: str) -> Json:
    code = "OperationNotAllowed" if reason == "quota" else "AllocationFailed"
    return {
        "code": code,
        "message": "Allocation failed. We do not have sufficient capacity for the requested VM size in this region.",
        "time": ctx.world.clock.iso(),
    }
