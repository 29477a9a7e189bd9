"""What came of a drill: one object for machines, a timeline for people."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drills.outage import Played
from drills.scene import Scene
from drills.watch import Line, Sample, Watch


@dataclass(frozen=True, slots=True)
class Summary:
    """`notice_to_resize_ms`: real time from a notice appearing to the end of the first run that knew of it, its sizes
    accepted. Seconds are the clouds', from the loss on; None: did not happen."""

    notice_to_resize_ms: dict[str, float | None]
    min_capacity_ratio: float
    restored_s: float | None
    fallback_peak_nodes: int
    fallback_released_s: float | None
    dispatches: int
    set_calls: int
    errors: int


def summarize(scene: Scene, watch: Watch, played: Played) -> Summary:
    """Reckon it up, from the loss to the end."""
    lines = [line for line in watch.lines if line.at >= played.began]
    samples = during(watch, played)
    answered = sorted(_answers(lines, played))
    return Summary(
        notice_to_resize_ms={"p50": _percentile(answered, 50), "p99": _percentile(answered, 99)},
        min_capacity_ratio=round(min(s.ready for s in samples) / max(1, scene.demand), 4),
        restored_s=_since(played, played.restored),
        fallback_peak_nodes=max(s.fallback_nodes for s in samples),
        fallback_released_s=_since(played, played.released),
        dispatches=sum("replan" in line.entry for line in lines),
        set_calls=sum(len(line.entry.get("set", ())) for line in lines),
        errors=sum(_errors(line) for line in lines),
    )


def during(watch: Watch, played: Played) -> list[Sample]:
    """Samples from the loss on."""
    return [s for s in watch.samples if s.at >= played.began] or [watch.latest]


def timeline(scene: Scene, watch: Watch, played: Played) -> Iterable[str]:
    """One line per thing that happened, in order: what the drill did, what reactors decided, and capacity as it changed."""
    entries = [(moment.at, 0, moment.what) for moment in played.moments]
    for line in watch.lines:
        if line.at >= played.began:
            entries += [(line.at, 1, text) for text in _told(line)]
    entries += [(s.at, 2, text) for s, text in _steps(scene, during(watch, played))]
    for at, _, text in sorted(entries, key=lambda entry: entry[:2]):
        yield f"{_clock(at - played.began)}  {text}"


def _answers(lines: Sequence[Line], played: Played) -> Iterable[float]:
    """Milliseconds from each notice to the first run that knew of it."""
    waiting = dict(played.noticed)
    for line in lines:
        if line.entry.get("ended") not in ("set", "steady", "known"):
            continue
        for signal in line.entry.get("signals", ()):
            kind, _, rest = signal.partition(" ")
            machine = played.names.get(rest.partition(" ")[0].lower(), "")
            if kind in ("interrupt", "gone") and machine in waiting:
                yield (line.real - waiting.pop(machine)) * 1000


def _told(line: Line) -> Iterable[str]:
    """A run in words; runs that changed nothing are not worth a line."""
    entry = line.entry
    calls, reasons = entry.get("set", ()), entry.get("reasons", {})
    if calls:
        why = ", ".join(entry.get("signals", ())) or "tick"
        yield f"{line.cloud:<6} reactor: {_shortened(why)} ({entry.get('ms', 0):.0f} ms)"
    for call in calls:
        reason = reasons.get(call["group"], "")
        ended = f"  failed: {_shortened(call['error'])}" if "error" in call else ""
        yield f"{'':<6}   {call['group']:<48} {call['from']:>3} -> {call['to']:<3} {reason.partition(', ')[2]}{ended}"
    if "replan" in entry:
        yield f"{line.cloud:<6} reactor asks for a new plan: {entry['replan']}"
    if entry.get("ended") == "failed":
        yield f"{line.cloud:<6} reactor failed: {_shortened(str(entry.get('error', '')))}"


def _steps(scene: Scene, samples: Sequence[Sample]) -> Iterable[tuple[Sample, str]]:
    """Capacity and money whenever ready capacity has changed, at most once in ten seconds."""
    told: Sample | None = None
    for sample in samples:
        if told and (sample.ready == told.ready or sample.at - told.at < 10):
            continue
        told = sample
        ratio = sample.ready / max(1, scene.demand)
        yield (
            sample,
            f"{_bar(ratio)} {ratio:4.0%} of demand ready, {sample.nodes} nodes, {sample.fallback_nodes} of them on "
            f"demand, ${sample.usd_per_hour:.2f}/h",
        )


def _bar(ratio: float) -> str:
    filled = min(20, round(ratio * 12))
    return (
        "["
        + "#" * min(filled, 12)
        + "+" * (filled - 12 if filled > 12 else 0)
        + "." * (20 - filled)
        + "]"
    )


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:>3}:{int(seconds) % 60:02}"


def _shortened(text: str) -> str:
    return text if len(text) <= 90 else f"{text[:87]}..."


def _errors(line: Line) -> int:
    entry = line.entry
    return (
        sum("error" in call for call in entry.get("set", ()))
        + len(entry.get("unread", ()))
        + (entry.get("ended") == "failed")
    )


def _since(played: Played, at: float | None) -> float | None:
    return None if at is None else round(at - played.began, 1)


def _percentile(values: Sequence[float], percent: int) -> float | None:
    if len(values) < 2:
        return round(values[0], 1) if values else None
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], 1)
