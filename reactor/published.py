"""`plan.json`: what Pulumi publishes to the reactors of one cloud after its groups and functions exist."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from reactor.contract import RuntimePlan
from reactor.reading import read

PLAN_OBJECT = "plan.json"
STATE_OBJECT = "state.json"
FREEZE_OBJECT = "freeze"
"""While an object of this name exists, whatever it holds, the reactor observes and tells, and sets nothing."""
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Target:
    """A group of the runtime plan in its cloud. `resource` is what the cloud's API calls it: the name of an Auto Scaling
    group or of a managed instance group, the ARM id of a scale set."""

    group: str
    resource: str
    region: str


@dataclass(frozen=True, slots=True)
class Label:
    """A tag that all of the stack's groups carry and no other's."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Peer:
    """Another cloud of the stack and the addresses at which its cells answer `GET /health`."""

    cloud: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Where to ask for a new plan; the token is in the function's environment (SKYBLEND_DISPATCH_TOKEN), never here."""

    kind: Literal["github", "pulumi"]
    url: str


@dataclass(frozen=True, slots=True)
class Published:
    """The runtime plan of one cloud with the ids of its groups. `cool_down_s`: the least time between two requests for a
    new plan; `frozen`: observe and tell, set nothing."""

    stack: str
    cloud: str
    plan: RuntimePlan
    targets: tuple[Target, ...]
    label: Label
    peers: tuple[Peer, ...] = ()
    dispatch: Dispatch | None = None
    cool_down_s: float = 300.0
    frozen: bool = False
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """Canonical JSON: equal for equal content."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Published:
        """Read what `to_json` wrote. Raises ValueError, in one line, where it is something else."""
        data: Any = json.loads(text)
        version = data.get("schema_version") if isinstance(data, dict) else None
        if version != SCHEMA_VERSION:
            raise ValueError(
                f"published plan has schema version {version}, this reactor reads {SCHEMA_VERSION}"
            )
        published: Published = read(cls, data)
        return published
