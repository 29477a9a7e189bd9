"""The scale sets of Azure: one list of them and one of machines per resource group, and a PATCH of the capacity.

A Flexible scale set replaces nothing by itself: an evicted machine is gone, and what could not be allocated leaves a
capacity without machines behind it. So the size of a set at rest is what it has, not what it was told last; and a set
whose last operation failed says when in its instance view. Roles reach over resource groups: whether a set is ours is
decided here, by its tag.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from reactor.contract import FailedLaunch
from reactor.microsoft import ARM, Microsoft, failure, ok
from reactor.ports import (
    CloudError,
    GroupSize,
    Machine,
    MachineState,
    Refused,
    Seen,
    Unread,
)
from reactor.published import Label, Target
from reactor.signals import seconds

API = "2024-11-01"
NO_CAPACITY = frozenset(
    {
        "AllocationFailed",
        "OperationNotAllowed",
        "OverconstrainedAllocationRequest",
        "OverconstrainedZonalAllocationRequest",
        "QuotaExceeded",
        "SkuNotAvailable",
        "ZonalAllocationFailed",
    }
)
"""No stock, or no quota."""
_AT_ONCE = 8
_STATES: dict[str, MachineState] = {
    "creating": "starting",
    "deleting": "draining",
    "succeeded": "ready",
    "updating": "ready",
}
_BUSY = frozenset({"creating", "updating"})
_Item = dict[str, Any]
_T = TypeVar("_T")


class ScaleSets:
    """See `reactor.ports.Cloud`. One per invocation: `set_size` only touches what `observe` has found to be ours."""

    def __init__(self, microsoft: Microsoft, label: Label, *, endpoint: str = ARM) -> None:
        self._microsoft, self._label, self._endpoint = microsoft, label, endpoint.rstrip("/")
        self._skus: dict[Target, _Item] = {}

    def now(self) -> float:
        return self._microsoft.http.clock.now()

    def observe(self, targets: Sequence[Target]) -> Seen:
        groups = sorted({_resource_group(target) for target in targets})
        kinds = ("virtualMachineScaleSets", "virtualMachines")
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            lists = [
                pool.submit(_caught(self._list), f"{g}/{kind}") for g in groups for kind in kinds
            ]
            found = [each.result() for each in lists]
            homes = {g: (found[2 * i], found[2 * i + 1]) for i, g in enumerate(groups)}
            look = _caught(lambda target: self._look(target, *homes[_resource_group(target)]))
            looks = list(pool.map(look, targets))
        unread = [
            Unread(target.group, str(look))
            for target, look in zip(targets, looks, strict=True)
            if isinstance(look, CloudError)
        ]
        seen = [look for look in looks if isinstance(look, Seen)]
        if unread and not seen:
            raise next(look for look in looks if isinstance(look, CloudError))
        return Seen(
            tuple(size for look in seen for size in look.sizes),
            tuple(machine for look in seen for machine in look.machines),
            tuple(launch for look in seen for launch in look.failed),
            tuple(unread),
        )

    def set_size(self, target: Target, nodes: int) -> Refused | None:
        """Asks for the size and does not wait: what cannot be allocated later shows in the next look."""
        if target not in self._skus:
            raise CloudError("NotOurs", f"{target.resource} was not seen with {self._label.key}={self._label.value}")  # fmt: skip
        sku = self._skus[target] | {"capacity": nodes}
        url = f"{self._endpoint}{target.resource}?api-version={API}"
        answer = self._microsoft.call_arm("PATCH", url, json.dumps({"sku": sku}).encode())
        if answer.status < 300:
            return None
        error = failure(answer)
        if error.code in NO_CAPACITY and not answer.throttled:
            return Refused(error.code, error.text)
        raise error

    def _look(self, target: Target, sets: _Listed, machines: _Listed) -> Seen:
        for listed in (sets, machines):
            if isinstance(listed, CloudError):
                raise listed
        scale_set = _named(sets, target)  # type: ignore[arg-type]
        if scale_set.get("tags", {}).get(self._label.key) != self._label.value:
            raise CloudError("NotOurs", f"{target.resource} does not carry {self._label.key}={self._label.value}")  # fmt: skip
        sku = scale_set["sku"]
        self._skus[target] = {name: sku[name] for name in ("name", "tier") if name in sku}
        own = [m for m in map(_machine(target), machines) if m]  # type: ignore[arg-type]
        state = str(scale_set["properties"].get("provisioningState", "")).lower()
        there = sum(machine.state != "draining" for machine in own)
        capacity = int(sku.get("capacity") or 0)
        size = capacity if state in _BUSY else min(capacity, there)
        failed = self._failed(target) if state == "failed" else ()
        return Seen((GroupSize(target.group, size),), tuple(own), failed)

    def _failed(self, target: Target) -> tuple[FailedLaunch, ...]:
        """When the set's last operation failed, as its instance view says."""
        url = f"{self._endpoint}{target.resource}/instanceView?api-version={API}"
        statuses = ok(self._microsoft.call_arm("GET", url)).json().get("statuses") or []
        times = [seconds(s.get("time")) for s in statuses if "failed" in str(s.get("code")).lower()]
        return tuple(FailedLaunch(target.group, "", at) for at in times if at is not None)

    def _list(self, path: str) -> list[_Item]:
        """All items of a collection, page by page."""
        items: list[_Item] = []
        url = f"{self._endpoint}{path}?api-version={API}"
        while url.startswith(f"{self._endpoint}/"):  # a token goes nowhere else
            page = ok(self._microsoft.call_arm("GET", url)).json()
            items += page.get("value", [])
            url = page.get("nextLink") or ""
        return items


_Listed = list[_Item] | CloudError


def _resource_group(target: Target) -> str:
    """The path in which the set and its machines are listed; ids are the same in any case."""
    return target.resource.lower().rsplit("/", 2)[0]


def _named(sets: Iterable[_Item], target: Target) -> _Item:
    for scale_set in sets:
        if str(scale_set.get("id", "")).lower() == target.resource.lower():
            return scale_set
    raise CloudError("NotFound", f"{target.resource} does not exist")


def _machine(target: Target) -> Callable[[_Item], Machine | None]:
    """Reads the machines of one set; those that were never allocated are none."""

    def read(item: _Item) -> Machine | None:
        inside = item.get("properties", {})
        home = str((inside.get("virtualMachineScaleSet") or {}).get("id", "")).lower()
        state = _STATES.get(str(inside.get("provisioningState", "")).lower())
        if home != target.resource.lower() or state is None:
            return None
        zones = item.get("zones") or [""]
        return Machine(str(item["name"]).lower(), target.group, str(zones[0]), state)

    return read


def _caught(call: Callable[[Any], _T]) -> Callable[[Any], _T | CloudError]:
    """The call with its failure as a value: one group that cannot be read keeps no other from being read."""

    def caught(argument: Any) -> _T | CloudError:
        try:
            return call(argument)
        except CloudError as error:
            return error
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            return CloudError("BadAnswer", f"{type(error).__name__}: {error}")

    return caught
