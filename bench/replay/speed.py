"""Prints how long a decision, the policy's import and a long replay take: `python -m bench.replay.speed`.

Times are of this process or of one started for it (CPU time, the least of several). A decision is for a plan of 100 groups:
60 spot groups of three zones in 20 regions and 40 fallback groups; `fresh` means that nothing of it is in a cache.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

from allocator.replay.engine import replay
from allocator.replay.policies import Wanted, make_policy
from allocator.replay.world import Setting
from bench.replay.cases import world
from reactor.choice import choose
from reactor.contract import (
    Group,
    GroupState,
    Memory,
    Observation,
    Parameters,
    RuntimePlan,
    ZoneCount,
)
from reactor.policy import decide
from reactor.risk import domain_risk

_HOUR = 3600.0
_ZONES = ("a", "b", "c")
_IMPORT = (
    "import time; t = time.process_time(); import reactor.policy; print(time.process_time() - t)"
)


def main() -> int:
    plan = _plan()
    held = {f"spot-{at}": 2 for at in range(0, 60, 2)}
    calm, lost = _seen(plan, held), _seen(plan, {**held, "spot-0": 0})
    memory = decide(plan, calm, Memory(), 0.0).memory
    memory = decide(plan, calm, memory, 50 * _HOUR).memory
    _tell("decide, 100 groups, nothing changed", partial(decide, plan, calm, memory, 50 * _HOUR))
    for name, seen, known in (
        ("a fresh loss", lost, memory),
        ("a fresh look after an hour", calm, memory),
        ("from empty, fresh", _seen(plan, {}), Memory()),
    ):
        _tell(
            f"decide, 100 groups, {name}", partial(decide, plan, seen, known, 51 * _HOUR), _forget
        )
    for flags, name in (
        ((), "with bytecode"),
        (("-B", "-X", "pycache_prefix=/nonexistent"), "without any bytecode"),
    ):
        print(
            f"import reactor.policy, {name}: {1e3 * min(_import_s(*flags) for _ in range(9)):.1f} ms"
        )
    setting = Setting(notice_s=120)
    started = time.process_time()
    place = world("aws-02-15", setting)
    replay(place, make_policy(place, setting, Wanted("skyblend")))
    print(f"replay of 45 days and 9 zones: {time.process_time() - started:.2f} s")
    return 0


def _tell(name: str, act: Callable[[], object], before: Callable[[], None] = lambda: None) -> None:
    times = []
    for _ in range(25):
        before()
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    print(f"{name}: {1e3 * min(times):.2f} ms", flush=True)


def _forget() -> None:
    choose.cache_clear()
    domain_risk.cache_clear()


def _import_s(*flags: str) -> float:
    run = subprocess.run(
        [sys.executable, *flags, "-c", _IMPORT], capture_output=True, check=True, text=True
    )
    return float(run.stdout)


def _plan() -> RuntimePlan:
    spot = [
        _group(f"spot-{at}", f"region-{at % 20}", "spot", 300_000 + 7000 * (at % 9))
        for at in range(60)
    ]
    fallback = [
        _group(f"fallback-{at}", f"region-{at % 20}", "fallback", 1_000_000) for at in range(40)
    ]
    return RuntimePlan("bench", 50_000, 10_000, (*spot, *fallback), parameters=Parameters())


def _group(key: str, region: str, role: str, price: int) -> Group:
    spot = role == "spot"
    return Group(
        key=key, cloud="aws", region=region, shape="l4", role="spot" if spot else "fallback", state="active",
        zones=_ZONES if spot else (), units_per_node=1000, planned_nodes=2 if spot else None, max_nodes=16,
        price_usd_micro_per_hour=price, on_demand_usd_micro_per_hour=1_000_000, cold_start_s=183.0, notice_s=120.0,
        fallback=(f"fallback-{key[5:]}",) if spot else (),
    )  # fmt: skip


def _seen(plan: RuntimePlan, held: dict[str, int]) -> Observation:
    return Observation(
        tuple(
            GroupState(
                group.key,
                held.get(group.key, 0),
                tuple(
                    ZoneCount(zone, held.get(group.key, 0) * (zone != "c") // 2, 0)
                    for zone in group.zones or ("",)
                ),
            )
            for group in plan.groups
        )
    )


if __name__ == "__main__":
    sys.exit(main())
