"""Recorded spot capacity: one JSON file per zone and machine type, `<zone>_<gpu>_<gpus>.json`, in a folder.

The format of github.com/skypilot-org/spot-traces: `{"metadata": {"gap_seconds": 195}, "data": [0, 1, ...]}`, where `data[i]`
machines could be had at `i * gap_seconds`. The files of a folder start together.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

from allocator.errors import DataError, unknown

_FILE_NAME = re.compile(r"(?P<zone>[a-z0-9-]+)_(?P<machine>[A-Za-z0-9-]+_\d+)\.json")
_ZONE_PARTS = (
    re.compile(r"(?P<region>[a-z]+(?:-[a-z]+)+-\d+)[a-z]"),  # aws: us-east-1a
    re.compile(r"(?P<region>[a-z]+-[a-z]+\d+)-[a-z]"),  # gcp: us-central1-a
    re.compile(r"(?P<region>[a-z0-9]+)-\d+"),  # azure: eastus2-1
)


@dataclass(frozen=True, slots=True)
class Trace:
    """What one zone had of one machine type: `counts[i]` at `i * gap_s`."""

    zone: str
    region: str
    machine: str
    gap_s: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TraceSet:
    """The zones of a folder, ordered by name, cut to the shortest."""

    name: str
    traces: tuple[Trace, ...]

    @property
    def duration_s(self) -> float:
        """How long all zones were watched."""
        return min(trace.gap_s * len(trace.counts) for trace in self.traces)

    @property
    def binary(self) -> bool:
        """Whether the set says only if there was capacity, not how much."""
        return all(count <= 1 for trace in self.traces for count in trace.counts)


def region_of(zone: str) -> str:
    """The region of a zone of AWS, GCP or Azure; a name of no known form is a region of its own."""
    for form in _ZONE_PARTS:
        if found := form.fullmatch(zone):
            return found["region"]
    return zone


def read_traces(folder: Path, *, machine: str | None = None) -> TraceSet:
    """Read a folder's traces of one machine type (needed where the folder holds several).

    Raises DataError, in one line, where the folder holds no traces, several machine types, or a file that is none.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except OSError as error:
        raise DataError(f"traces {folder}: {error.strerror or error}") from error
    named = [(path, found) for path in paths if (found := _FILE_NAME.fullmatch(path.name))]
    if not named:
        raise DataError(
            f"traces {folder}: no file named like us-east-1a_v100_1.json (zone, GPU, GPUs per machine)"
        )
    machines = sorted({found["machine"] for _, found in named})
    chosen = _choose(folder, machines, machine)
    traces = tuple(
        _read(path, found["zone"], chosen) for path, found in named if found["machine"] == chosen
    )
    name = folder.name if len(machines) == 1 else f"{folder.name} {chosen}"
    return TraceSet(name=name, traces=traces)


def _choose(folder: Path, machines: list[str], wanted: str | None) -> str:
    if wanted is None:
        if len(machines) > 1:
            raise DataError(
                f"traces {folder}: several machine types, choose with --machine {'|'.join(machines)}"
            )
        return machines[0]
    if wanted not in machines:
        raise DataError(f"traces {folder}: {unknown('machine type', wanted, machines)}")
    return wanted


def _read(path: Path, zone: str, machine: str) -> Trace:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        gap, counts = content["metadata"]["gap_seconds"], content["data"]
    except OSError as error:
        raise DataError(f"trace {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"trace {path}: not JSON: {str(error).splitlines()[0]}") from error
    except (KeyError, TypeError, IndexError) as error:
        raise DataError(
            f'trace {path}: expected {{"metadata": {{"gap_seconds": N}}, "data": [...]}}'
        ) from error
    if not _number(gap) or not gap > 0 or not math.isfinite(gap):
        raise DataError(f"trace {path}: gap_seconds must be a positive number, is {gap!r}")
    if not isinstance(counts, list) or not counts:
        raise DataError(f"trace {path}: data must be a list with at least one number")
    return Trace(zone, region_of(zone), machine, float(gap), _whole_counts(path, counts))


def _whole_counts(path: Path, counts: list[object]) -> tuple[int, ...]:
    for index, count in enumerate(counts):
        if not _number(count) or not 0 <= count < 1e9 or count != int(count):  # type: ignore[operator, call-overload]
            raise DataError(
                f"trace {path}: data[{index}] must be a whole number of machines, 0 or more, is {str(count)[:40]}"
            )
    return tuple(int(count) for count in counts)  # type: ignore[call-overload]


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
