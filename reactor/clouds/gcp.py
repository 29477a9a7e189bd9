"""The regional managed instance groups of GCP.

One list a region tells sizes, labels and what goes on in each group; machines are read only where there are some, and
refusals only where machines are being made. A group keeps making what it lacks, so its size is what was wanted.

Google cannot grant rights over single groups (neither IAM's conditions nor the tags they can ask for know this type):
whether a group is ours is decided here, by the label that it gives to all of its machines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from reactor.contract import FailedLaunch
from reactor.google import COMPUTE, Google, ok
from reactor.ports import CloudError, GroupSize, Machine, MachineState, Refused, Seen, Unread
from reactor.published import Label, Target
from reactor.signals import seconds

_AT_ONCE = 8
_MAKING = frozenset({"CREATING", "CREATING_WITHOUT_RETRIES", "RECREATING"})
_COMING = _MAKING | {"STARTING", "RESTARTING", "RESUMING"}
_LEAVING = frozenset({"DELETING", "ABANDONING", "STOPPING", "SUSPENDING"})
_ALIVE = frozenset({"PENDING", "PROVISIONING", "STAGING", "RUNNING", "REPAIRING"})

_Item = dict[str, Any]
_Listed = dict[str, _Item] | CloudError


class ManagedGroups:
    """See `reactor.ports.Cloud`. One per invocation: `set_size` takes only what its `observe` has found to be ours."""

    def __init__(
        self, google: Google, project: str, label: Label, *, endpoint: str = COMPUTE
    ) -> None:
        self._google, self._label = google, label
        self._regions = f"{endpoint.rstrip('/')}/projects/{project}/regions"
        self._ours: set[Target] = set()

    def now(self) -> float:
        """See `reactor.ports.Cloud`."""
        return self._google.http.clock.now()

    def observe(self, targets: Sequence[Target]) -> Seen:
        """See `reactor.ports.Cloud`. A group that is not there or not ours counts as one that cannot be read."""
        regions = sorted({target.region for target in targets})
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            listed = dict(zip(regions, pool.map(self._listed, regions), strict=True))
            looks = list(pool.map(lambda one: self._look(one, listed[one.region]), targets))
        seen = [look for look in looks if isinstance(look, Seen)]
        errors = [(t, e) for t, e in zip(targets, looks, strict=True) if isinstance(e, CloudError)]
        if errors and not seen:
            raise errors[0][1]
        return Seen(
            tuple(size for look in seen for size in look.sizes),
            tuple(machine for look in seen for machine in look.machines),
            tuple(launch for look in seen for launch in look.failed),
            tuple(Unread(target.group, str(error)) for target, error in errors),
        )

    def set_size(self, target: Target, nodes: int) -> Refused | None:
        """See `reactor.ports.Cloud`. Any size is accepted: what cannot be had shows as failed launches later."""
        if target not in self._ours:
            raise self._not_ours(target)
        ok(self._google.call("POST", f"{self._url(target)}/resize", {"size": str(nodes)}, b"{}"))
        return None

    def _listed(self, region: str) -> _Listed:
        """The groups of a region by name; every group of the project, as Google filters by no label of theirs."""
        url, query = f"{self._regions}/{region}/instanceGroupManagers", {"maxResults": "500"}
        groups: dict[str, _Item] = {}
        try:
            while True:
                page = ok(self._google.call("GET", url, query)).json()
                groups |= {_text(item, "name"): item for item in _items(page, "items")}
                if not page.get("nextPageToken"):
                    return groups
                query["pageToken"] = _text(page, "nextPageToken")
        except CloudError as error:
            return error

    def _look(self, target: Target, listed: _Listed) -> Seen | CloudError:
        """One group."""
        if isinstance(listed, CloudError):
            return listed
        group = listed.get(target.resource)
        if group is None:
            return CloudError("notFound", f"no group {target.resource} in {target.region}")
        if not self._is_ours(group):
            return self._not_ours(target)
        self._ours.add(target)
        try:
            return self._read(target, group)
        except CloudError as error:
            return error

    def _is_ours(self, group: _Item) -> bool:
        labels = _part(_part(_part(group, "allInstancesConfig"), "properties"), "labels")
        return labels.get(self._label.key) == self._label.value

    def _not_ours(self, target: Target) -> CloudError:
        wanted = f"{self._label.key}={self._label.value}"
        return CloudError("NotOurs", f"{target.resource} does not label its machines {wanted}")

    def _read(self, target: Target, group: _Item) -> Seen:
        actions = {name: n for name, n in _part(group, "currentActions").items() if n}
        size = GroupSize(target.group, int(group.get("targetSize", 0)))
        if not size.nodes and not actions:
            return Seen((size,), ())
        page = ok(self._google.call("POST", f"{self._url(target)}/listManagedInstances", {}, b"{}"))
        machines = tuple(_machines(target.group, _items(page.json(), "managedInstances")))
        if not actions.keys() & {"creating", "creatingWithoutRetries", "recreating"}:
            return Seen((size,), machines)
        errors = _items(
            ok(self._google.call("GET", f"{self._url(target)}/listErrors")).json(), "items"
        )
        return Seen((size,), machines, tuple(_refusals(target.group, errors)))

    def _url(self, target: Target) -> str:
        return f"{self._regions}/{target.region}/instanceGroupManagers/{target.resource}"


def _machines(group: str, items: Iterable[_Item]) -> Iterator[Machine]:
    """The machines that are there or on their way.

    A machine's id is its number: a group gives the name of a lost machine to the one that it makes in its place. One
    that the cloud has just failed to make has no number and is none.
    """
    for item in items:
        state, zone, name = _state(item), *_place(_text(item, "instance"))
        if state:
            yield Machine(_text(item, "id") or name, group, zone, state)


def _state(item: _Item) -> MachineState | None:
    status, action = _text(item, "instanceStatus"), _text(item, "currentAction")
    if not status and (action in _LEAVING or _part(item, "lastAttempt").get("errors")):
        return None
    if action in _LEAVING or (status and status not in _ALIVE):
        return "draining"
    return "ready" if status == "RUNNING" and action not in _COMING else "starting"


def _refusals(group: str, items: Iterable[_Item]) -> Iterator[FailedLaunch]:
    """Attempts to make a machine that failed, for want of stock or quota or for any other reason."""
    for item in items:
        details, at = _part(item, "instanceActionDetails"), seconds(item.get("timestamp"))
        if _text(details, "action") in _MAKING and at is not None:
            yield FailedLaunch(group, _place(_text(details, "instance"))[0], at)


def _place(instance: str) -> tuple[str, str]:
    """Zone and name in `https://../zones/us-central1-a/instances/name`; empty where the URL is another."""
    steps = instance.split("/")
    return (steps[-3], steps[-1]) if steps[-4::2] == ["zones", "instances"] else ("", "")


def _items(page: _Item, name: str) -> list[_Item]:
    items = page.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _part(item: _Item, name: str) -> _Item:
    part = item.get(name)
    return part if isinstance(part, dict) else {}


def _text(item: _Item, name: str) -> str:
    return str(item.get(name) or "")
