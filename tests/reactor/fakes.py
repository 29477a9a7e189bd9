"""A cloud and a store in memory: groups that obey at once, faults on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reactor.contract import FailedLaunch, RuntimePlan
from reactor.ports import CloudError, GroupSize, Machine, Refused, Seen, Stored
from reactor.published import PLAN_OBJECT, Label, Published, Target


def published(plan: RuntimePlan, **changes: object) -> Published:
    """A plan as Pulumi publishes it, groups named by their keys."""
    targets = tuple(Target(group.key, f"id-{group.key}", group.region) for group in plan.groups)
    fields: dict[str, object] = {
        "stack": "test", "cloud": "aws", "plan": plan, "targets": targets,
        "label": Label("skyblend-stack", "test"),
    }  # fmt: skip
    return Published(**{**fields, **changes})  # type: ignore[arg-type]


class FakeStore:
    """Versions count up; `before_put` runs before each write, so that somebody may be first."""

    def __init__(self, plan: Published | None = None) -> None:
        self.objects: dict[str, tuple[bytes, int]] = {}
        self.before_put: Callable[[str], None] = lambda name: None
        self.down = False
        if plan:
            self.objects[PLAN_OBJECT] = (plan.to_json().encode(), 1)

    def get(self, name: str) -> Stored | None:
        self._up()
        body, version = self.objects.get(name, (b"", 0))
        return Stored(body, str(version)) if version else None

    def put(self, name: str, body: bytes, tag: str | None) -> bool:
        self._up()
        self.before_put(name)
        version = self.objects.get(name, (b"", 0))[1]
        if (None if version == 0 else str(version)) != tag:
            return False
        self.objects[name] = (body, version + 1)
        return True

    def _up(self) -> None:
        if self.down:
            raise CloudError("Unreachable", "the store does not answer")


class FakeCloud:
    """Groups whose machines are there as soon as they are asked for, in zone a; `refuse` names groups without stock."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.sizes: dict[str, int] = {}
        self.machines: list[Machine] = []
        self.calls: list[tuple[str, int]] = []
        self.refuse: set[str] = set()
        self.failing: set[str] = set()
        self.crash_after_set = False
        self.now_s = now
        self._made = 0

    def now(self) -> float:
        return self.now_s

    def observe(self, targets: Sequence[Target]) -> Seen:
        known = {target.group for target in targets}
        sizes = tuple(GroupSize(t.group, self.sizes.get(t.group, 0)) for t in targets)
        mine = tuple(machine for machine in self.machines if machine.group in known)
        return Seen(sizes, mine, tuple[FailedLaunch, ...]())

    def set_size(self, target: Target, nodes: int) -> Refused | None:
        self.calls.append((target.group, nodes))
        if target.group in self.failing:
            raise CloudError("InternalError", "try again")
        if target.group in self.refuse and nodes > self.sizes.get(target.group, 0):
            return Refused("SkuNotAvailable", "no stock")
        self.sizes[target.group] = nodes
        self._fill(target.group, nodes)
        if self.crash_after_set:
            raise KeyboardInterrupt
        return None

    def take(self, machine: str) -> None:
        """The machine is gone; a group keeps its size and gets another one."""
        group = next(m.group for m in self.machines if m.id == machine)
        self.machines = [m for m in self.machines if m.id != machine]
        self._fill(group, self.sizes[group])

    def of(self, group: str) -> list[str]:
        """Ids of a group's machines, oldest first."""
        return [machine.id for machine in self.machines if machine.group == group]

    def _fill(self, group: str, nodes: int) -> None:
        mine = self.of(group)
        for surplus in mine[nodes:]:
            self.machines = [m for m in self.machines if m.id != surplus]
        for _ in range(nodes - len(mine)):
            self._made += 1
            self.machines.append(Machine(f"m{self._made}", group, "a", "ready"))
