"""Policies by name, and the settings that each of them takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from allocator.errors import DataError, unknown
from allocator.replay.baselines import AsgMix, EvenSpread, OnDemand, RoundRobin, SpotHedge
from allocator.replay.deployed import Deployed
from allocator.replay.engine import Policy
from allocator.replay.world import Setting, World
from reactor.contract import Parameters


@dataclass(frozen=True, slots=True)
class Wanted:
    """A policy and its settings; None where the policy's own default holds."""

    name: str
    extra: int | None = None
    instant_retry: bool = False
    zone_groups: bool = False
    parameters: Parameters = field(default_factory=Parameters)


def _spothedge(world: World, _: Setting, wanted: Wanted) -> Policy:
    extra = 2 if wanted.extra is None else wanted.extra
    return SpotHedge(world, extra, instant_retry=wanted.instant_retry)


def _skyblend(world: World, setting: Setting, wanted: Wanted) -> Policy:
    return Deployed(
        world,
        cold_start_s=setting.cold_start_s,
        notice_s=setting.notice_s,
        parameters=wanted.parameters,
        zone_groups=wanted.zone_groups,
    )


_MAKERS: dict[str, Callable[[World, Setting, Wanted], Policy]] = {
    "skyblend": _skyblend,
    "spothedge": _spothedge,
    "on-demand": lambda _world, _setting, _wanted: OnDemand(),
    "even-spread": lambda world, _, wanted: EvenSpread(world, wanted.extra or 0),
    "round-robin": lambda world, _, wanted: RoundRobin(
        world, 2 if wanted.extra is None else wanted.extra
    ),
    "asg-mix": lambda world, _setting, _wanted: AsgMix(world),
}
NAMES = tuple(_MAKERS)
_TAKE_EXTRA = ("spothedge", "even-spread", "round-robin")
_MOST_EXTRA = 100


def make_policy(world: World, setting: Setting, wanted: Wanted) -> Policy:
    """A fresh policy for one replay. Raises DataError where its settings do not fit it."""
    if wanted.name not in _MAKERS:
        raise DataError(unknown("policy", wanted.name, _MAKERS))
    if wanted.extra is not None and wanted.name not in _TAKE_EXTRA:
        raise DataError(f"--extra belongs to {', '.join(_TAKE_EXTRA)}; {wanted.name} takes none")
    if wanted.extra is not None and not 0 <= wanted.extra <= _MOST_EXTRA:
        raise DataError(f"--extra must be 0 to {_MOST_EXTRA} replicas, is {wanted.extra}")
    if wanted.instant_retry and wanted.name != "spothedge":
        raise DataError(f"--instant-retry belongs to spothedge, not to {wanted.name}")
    if wanted.zone_groups and wanted.name != "skyblend":
        raise DataError(f"--groups zone belongs to skyblend, not to {wanted.name}")
    return _MAKERS[wanted.name](world, setting, wanted)


def compared(parameters: Parameters) -> Iterator[Wanted]:
    """What a comparison shows: the published policies, then ours as deployed and with groups of a zone each."""
    yield Wanted("on-demand")
    yield Wanted("even-spread")
    yield Wanted("round-robin")
    yield Wanted("asg-mix")
    for extra in (0, 2, 4):
        yield Wanted("spothedge", extra=extra)
    for extra in (0, 2, 4):
        yield Wanted("spothedge", extra=extra, instant_retry=True)
    yield Wanted("skyblend", parameters=parameters)
    yield Wanted("skyblend", parameters=parameters, zone_groups=True)
