"""What an event says once its cloud's dialect is read: one machine is going, is gone, or it is time to look.

A signal makes the loop run sooner and tells which machines will not be there. It never carries a size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Kind = Literal["rebalance", "interrupt", "gone", "failed_launch", "check"]
_GOING = ("interrupt", "gone")
_NOTICE_KINDS = ("interrupt", "rebalance", "gone")
WATCHER_VERSION = 1

Parser = Callable[[dict[str, Any]], "Signal | None"]


@dataclass(frozen=True, slots=True)
class Signal:
    """`machine`: id as the cloud's adapter names it, empty where the event is about none. `deadline_s`: when the machine
    stops, Unix seconds, None where nobody said. `source`: which service told, for the journal."""

    kind: Kind
    source: str
    region: str = ""
    machine: str = ""
    deadline_s: float | None = None

    @property
    def going(self) -> bool:
        """Whether the machine must be counted out."""
        return bool(self.machine) and self.kind in _GOING


CHECK = Signal("check", "timer")


def watcher_notice(cloud: str, event: Any) -> Signal | None:
    """A notice sent by the watcher in one of our machines; None where the event is something else.

    {"skyblend": 1, "cloud", "region", "machine", "kind": interrupt|rebalance|gone, "deadline": ISO 8601 or null}
    """
    if not isinstance(event, dict) or event.get("skyblend") != WATCHER_VERSION:
        return None
    kind, machine = event.get("kind"), event.get("machine")
    if event.get("cloud") != cloud or kind not in _NOTICE_KINDS or not isinstance(machine, str):
        return None
    region = event.get("region")
    return Signal(
        kind, "watcher", region if isinstance(region, str) else "", machine, seconds(event.get("deadline"))
    )  # fmt: skip


def seconds(text: Any) -> float | None:
    """Unix seconds of an ISO 8601 time; None for anything else. Times without a zone are UTC."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def newest(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """One signal per machine, the earliest deadline known; and one check at most. In order of machine."""
    best: dict[str, Signal] = {}
    for signal in signals:
        known = best.get(signal.machine)
        if known is None or _rank(signal) < _rank(known):
            best[signal.machine] = signal
    return tuple(best[machine] for machine in sorted(best))


def _rank(signal: Signal) -> tuple[bool, float, str, str]:
    deadline = signal.deadline_s if signal.deadline_s is not None else float("inf")
    return (not signal.going, deadline, signal.kind, signal.source)
