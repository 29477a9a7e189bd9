"""What is remembered of a group in one zone, and the age that follows from it.

A zone's *age* is the time since it was last bad: lost a node, refused one or warned. Nodes held prove an age by living. Where
none are held only the quiet time is known, and the zone may have come up at any moment of it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from reactor.contract import Parameters, ZoneMemory

HOUR_S = 3600.0
UNSEEN_QUIET_S = 2 * HOUR_S
"""The quiet time that a zone starts with which was never used."""
_FASTEST_UNHELD = 0.5
_STEPS_PER_OCTAVE = 3


class Event(NamedTuple):
    """What a look found in one zone: nodes lost since the last look, nodes under notice, time of a new refusal (or 0)."""

    lost: int = 0
    doomed: int = 0
    refused_s: float = 0.0


NO_EVENT = Event()


def remember(
    entry: ZoneMemory, event: Event, ready: int, nodes: int, parameters: Parameters, now: float
) -> ZoneMemory:
    """A zone's memory after a look that found `nodes` there, `ready` of them ready."""
    calm = event is NO_EVENT and nodes == entry.nodes and (nodes > 0) == (entry.held_s is not None)
    if calm and not (ready and entry.rest_s):
        return entry
    bad_s, held_s, credit_s = entry.bad_s, entry.held_s, entry.credit_s
    rest_s, rests_until_s = entry.rest_s, entry.rests_until_s
    if ready > event.doomed:
        rest_s = 0.0
    if event is not NO_EVENT:
        bad_s = event.refused_s or now
        held_s, credit_s = (bad_s if nodes else None), 0.0
        if now >= rests_until_s:
            rest_s = min(parameters.longest_rest_s, max(parameters.rest_s, 2 * rest_s))
            rests_until_s = bad_s + rest_s
    elif not nodes:
        held_s = None
    elif held_s is None:
        held_s, credit_s = now, unheld_age_s(now - bad_s, parameters)
    return ZoneMemory(
        group=entry.group,
        zone=entry.zone,
        bad_s=bad_s,
        held_s=held_s,
        credit_s=credit_s,
        nodes=nodes,
        rest_s=rest_s,
        rests_until_s=rests_until_s,
        refused_s=max(entry.refused_s, event.refused_s),
    )


def unheld_age_s(quiet_s: float, parameters: Parameters) -> float:
    """The age that stands for a zone of which only the quiet time is known.

    Of the same hazard as the mean over all ages up to the quiet time, hazard / quiet * ln(1 + quiet / offset).
    """
    if quiet_s <= 0:
        return 0.0
    offset_s = parameters.hazard_offset_h * HOUR_S
    return quiet_s / math.log1p(quiet_s / offset_s) - offset_s


def shifted_age(entry: ZoneMemory, parameters: Parameters, now: float) -> tuple[float, float]:
    """Age in hours with the hazard's offset added, in thirds of an octave, and when it moves on at the earliest.

    The steps make equal looks out of nearly equal ones: nothing changes by time alone until the second value.
    """
    if entry.held_s is None:
        age_s, speed = unheld_age_s(now - entry.bad_s, parameters), _FASTEST_UNHELD
    else:
        age_s, speed = entry.credit_s + max(0.0, now - entry.held_s), 1.0
    shifted_h = age_s / HOUR_S + parameters.hazard_offset_h
    step = math.floor(_STEPS_PER_OCTAVE * math.log2(shifted_h))
    following_h = 2.0 ** ((step + 1) / _STEPS_PER_OCTAVE)
    moves_s = now + (following_h - shifted_h) * HOUR_S / speed
    return 2.0 ** ((step + 0.5) / _STEPS_PER_OCTAVE), moves_s
