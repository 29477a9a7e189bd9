"""What the loop needs of a cloud and of its object store; one adapter a cloud stands behind each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from reactor.contract import FailedLaunch
from reactor.published import Target

MachineState = Literal["ready", "starting", "draining"]


class CloudError(Exception):
    """A call that failed, and not for want of capacity. `code` is the cloud's own; `throttled`: it asked us to slow down."""

    def __init__(self, code: str, text: str, *, throttled: bool = False) -> None:
        super().__init__(f"{code}: {text}")
        self.code, self.text, self.throttled = code, text, throttled


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of a group as its cloud shows it; `ready` says that it runs, not that its engine has loaded."""

    id: str
    group: str
    zone: str
    state: MachineState


@dataclass(frozen=True, slots=True)
class GroupSize:
    """The number of machines that a group was last told to have."""

    group: str
    nodes: int


@dataclass(frozen=True, slots=True)
class Unread:
    """A group that could not be read, and why in one line."""

    group: str
    why: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The groups of this cloud now. `failed`: launches that it reports as refused, old ones included."""

    sizes: tuple[GroupSize, ...]
    machines: tuple[Machine, ...]
    failed: tuple[FailedLaunch, ...] = ()
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """The cloud said at once that it has no capacity or no quota for this size."""

    code: str
    text: str


class Cloud(Protocol):
    """The groups of one cloud."""

    def observe(self, targets: Sequence[Target]) -> Seen:
        """Read every group; one that cannot be read goes to `unread`. Raises CloudError only where none can."""

    def set_size(self, target: Target, nodes: int) -> Refused | None:
        """Set the wanted number of machines. None: accepted. Raises CloudError."""

    def now(self) -> float:
        """Unix seconds by the cloud's own clock, as of its latest answer: the machine's clock may be off."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object and the tag of its version."""

    body: bytes
    tag: str


class Store(Protocol):
    """Small objects with compare-and-swap."""

    def get(self, name: str) -> Stored | None:
        """The object, or None if there is none. Raises CloudError."""

    def put(self, name: str, body: bytes, tag: str | None) -> bool:
        """Write if the object still has this tag (None: if there is none yet); False where somebody was first. Raises CloudError."""
