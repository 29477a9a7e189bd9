"""The Auto Scaling groups of AWS.

IAM limits whose sizes may be set by the groups' tags, so nothing is checked here. A group keeps trying to launch what it
lacks; why it cannot, its failed activities say, which are read only of groups that lack something.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from reactor.amazon import Answer, call, client
from reactor.clock import CloudClock
from reactor.contract import FailedLaunch
from reactor.ports import CloudError, GroupSize, Machine, MachineState, Refused, Seen, Unread
from reactor.published import Target

_PAGE = 100
_ACTIVITIES = 20
_AT_ONCE = 8
_STATES: Mapping[str, MachineState] = {"InService": "ready", "Pending": "starting"}
"""By the first word of the life cycle's state; `Warmed` machines are no capacity, any other is on its way out."""
_WARMED = "Warmed"
_LAUNCHING = "Launching"

_Look = Seen | CloudError


@dataclass(frozen=True, slots=True)
class AutoScalingGroups:
    """See `reactor.ports.Cloud`."""

    clock: CloudClock

    def now(self) -> float:
        """See `reactor.ports.Cloud`."""
        return self.clock.now()

    def observe(self, targets: Sequence[Target]) -> Seen:
        """See `reactor.ports.Cloud`. A group that is not there counts as one that cannot be read."""
        regions = sorted({target.region for target in targets})
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            looks = list(pool.map(lambda region: self._region(region, targets), regions))
        errors = [look for look in looks if isinstance(look, CloudError)]
        if errors and len(errors) == len(looks):
            raise errors[0]
        seen = [look for look in looks if isinstance(look, Seen)]
        lost = [
            Unread(target.group, str(look))
            for region, look in zip(regions, looks, strict=True)
            if isinstance(look, CloudError)
            for target in targets
            if target.region == region
        ]
        return Seen(
            tuple(size for look in seen for size in look.sizes),
            tuple(machine for look in seen for machine in look.machines),
            tuple(launch for look in seen for launch in look.failed),
            (*(unread for look in seen for unread in look.unread), *lost),
        )

    def set_size(self, target: Target, nodes: int) -> Refused | None:
        """See `reactor.ports.Cloud`. Any size within the group's bounds is accepted: what cannot be had fails later."""
        call(
            self.clock,
            client("autoscaling", target.region).set_desired_capacity,
            AutoScalingGroupName=target.resource,
            DesiredCapacity=nodes,
            HonorCooldown=False,
        )
        return None

    def _region(self, region: str, targets: Sequence[Target]) -> _Look:
        here = {target.resource: target for target in targets if target.region == region}
        try:
            groups = {
                group["AutoScalingGroupName"]: group
                for group in self._described(region, list(here))
            }
            failed = [
                launch
                for name, group in groups.items()
                if len(group["Instances"]) < group["DesiredCapacity"]
                for launch in self._failed(here[name], _zones(groups.values()))
            ]
        except CloudError as error:
            return error
        return Seen(
            tuple(GroupSize(here[name].group, g["DesiredCapacity"]) for name, g in groups.items()),
            tuple(m for name, g in groups.items() for m in _machines(here[name].group, g)),
            tuple(failed),
            tuple(
                Unread(target.group, f"no group {name} in {region}")
                for name, target in here.items()
                if name not in groups
            ),
        )

    def _described(self, region: str, names: Sequence[str]) -> Iterator[Answer]:
        describe = client("autoscaling", region).describe_auto_scaling_groups
        for start in range(0, len(names), _PAGE):
            asked: dict[str, Any] = {"AutoScalingGroupNames": names[start : start + _PAGE]}
            while True:
                page = call(self.clock, describe, MaxRecords=_PAGE, **asked)
                yield from page["AutoScalingGroups"]
                if not page.get("NextToken"):
                    break
                asked["NextToken"] = page["NextToken"]

    def _failed(self, target: Target, zones: Mapping[str, str]) -> Iterator[FailedLaunch]:
        """Launches that the group reports as failed: of spot or on demand, for want of stock, quota or anything else."""
        page = call(
            self.clock,
            client("autoscaling", target.region).describe_scaling_activities,
            AutoScalingGroupName=target.resource,
            MaxRecords=_ACTIVITIES,
        )
        for activity in page["Activities"]:
            if activity["StatusCode"] == "Failed" and activity["Description"].startswith(
                _LAUNCHING
            ):
                zone = zones.get(_zone_name(activity.get("Details")), "")
                at = activity.get("EndTime") or activity["StartTime"]
                yield FailedLaunch(target.group, zone, at.timestamp())


def _machines(group: str, described: Answer) -> Iterator[Machine]:
    for instance in described["Instances"]:
        word = instance["LifecycleState"].partition(":")[0]
        if word != _WARMED:
            zone = instance.get("AvailabilityZoneId") or instance["AvailabilityZone"]
            yield Machine(instance["InstanceId"], group, zone, _STATES.get(word, "draining"))


def _zones(groups: Iterable[Answer]) -> dict[str, str]:
    """Ids of zones by the names that this account has for them, as far as instances tell both."""
    return {
        instance["AvailabilityZone"]: instance["AvailabilityZoneId"]
        for group in groups
        for instance in group["Instances"]
        if "AvailabilityZoneId" in instance
    }


def _zone_name(details: Any) -> str:
    """The zone in an activity's details, which are JSON in a text; empty where they name none."""
    try:
        zone = json.loads(details).get("Availability Zone")
    except (ValueError, TypeError, AttributeError):
        return ""
    return zone if isinstance(zone, str) else ""
