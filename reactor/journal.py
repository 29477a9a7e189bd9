"""One JSON line per run, for people and for metrics; stable keys, no machine ids among the metrics' labels."""

from __future__ import annotations

import json
from collections.abc import Sequence

from reactor.capacity import measure
from reactor.loop import Look, Outcome
from reactor.signals import Signal

Line = str
_MOST_MACHINES = 20


def line(outcome: Outcome, asked: str, seconds: float) -> Line:
    """What was seen, decided and done. `asked`: why a new plan was asked for, empty if it was not."""
    entry: dict[str, object] = {
        "skyblend": "reactor",
        "ended": outcome.ended,
        "rounds": outcome.rounds,
        "ms": round(seconds * 1000, 1),
        "signals": _signals(outcome.signals),
        "set": [
            {"group": c.group, "from": c.before, "to": c.after}
            | ({"error": c.error} if c.error else {})
            for c in outcome.calls
        ],
    }
    if asked:
        entry["replan"] = asked
    if outcome.look:
        entry |= _looked(outcome, outcome.look)
    return json.dumps(entry, sort_keys=True)


def failed(signals: Sequence[Signal], error: Exception, seconds: float) -> Line:
    """A run that could not be finished; the event comes again."""
    return json.dumps(
        {
            "skyblend": "reactor",
            "ended": "failed",
            "error": str(error),
            "ms": round(seconds * 1000, 1),
            "signals": _signals(signals),
        },
        sort_keys=True,
    )


def unknown(source: str, event: object) -> Line:
    """An event that no parser knows: told once, and acknowledged."""
    return json.dumps(
        {"skyblend": "reactor", "ended": "unknown_event", "source": source, "event": repr(event)[:300]},
        sort_keys=True,
    )  # fmt: skip


def _signals(signals: Sequence[Signal]) -> list[str]:
    named = [f"{s.kind} {s.machine}".strip() + f" ({s.source})" for s in signals]
    rest = len(named) - _MOST_MACHINES
    return [*named[:_MOST_MACHINES], f"and {rest} more"] if rest > 0 else named


def _looked(outcome: Outcome, look: Look) -> dict[str, object]:
    plan = look.published.plan
    return {
        "stack": look.published.stack,
        "plan": plan.digest[:12],
        "at": look.now,
        "reasons": {reason.group: reason.text for reason in look.reasons},
        "unread": list(look.unread),
        "metrics": _metrics(outcome, look),
    }


def _metrics(outcome: Outcome, look: Look) -> dict[str, float]:
    """Gauges and counters under the names that boards and alarms use."""
    plan, states = look.published.plan, look.observation.groups
    capacity = measure(plan, look.observation)
    prices = {group.key: group.price_usd_micro_per_hour for group in plan.groups}
    fallback = {group.key for group in plan.groups if group.role == "fallback"}
    nodes = {s.key: sum(z.ready + z.starting + z.draining for z in s.zones) for s in states}
    return {
        "skyblend_capacity_ratio": round(capacity.ready / max(1, capacity.demand), 4),
        "skyblend_nodes_wanted": sum(state.size for state in states),
        "skyblend_nodes_running": sum(nodes.values()),
        "skyblend_nodes_ready": sum(z.ready for s in states for z in s.zones),
        "skyblend_fallback_nodes": sum(n for key, n in nodes.items() if key in fallback),
        "skyblend_hourly_cost_usd": sum(prices.get(k, 0) * n for k, n in nodes.items()) / 1e6,
        "skyblend_notices": sum(signal.going for signal in outcome.signals),
        "skyblend_set_calls": len(outcome.calls),
        "skyblend_errors": sum(bool(call.error) for call in outcome.calls) + len(look.unread),
    }
