"""The policy for like replicas, as deployed: a group per region (or zone), and an on-demand group that never refuses."""

from __future__ import annotations

import dataclasses

from allocator.replay.engine import Answer, View
from allocator.replay.groups import GroupDriver
from allocator.replay.world import World
from reactor.contract import Group, Parameters, Role, RuntimePlan

_UNIT = 1000
_PRICE = 1_000_000
_FALLBACK = "on-demand"


class Deployed(GroupDriver):
    """Our policy over groups of a region (as deployed) or of a zone each; a group has the price of its first zone."""

    def __init__(
        self,
        world: World,
        *,
        cold_start_s: float,
        notice_s: float,
        parameters: Parameters | None = None,
        zone_groups: bool = False,
    ) -> None:
        names = world.zones if zone_groups else world.regions
        places = {
            place: tuple(z for z, other in enumerate(names) if other == place)
            for place in sorted(set(names))
        }

        def group(key: str, role: Role, price: float, zones: tuple[int, ...]) -> Group:
            return Group(
                key=key,
                cloud="replay",
                region=world.regions[zones[0]] if zones else "",
                shape="replica",
                role=role,
                state="active",
                zones=tuple(world.zones[zone] for zone in zones),
                units_per_node=_UNIT,
                planned_nodes=None,
                max_nodes=1000,
                price_usd_micro_per_hour=round(price * _PRICE),
                on_demand_usd_micro_per_hour=_PRICE,
                cold_start_s=cold_start_s,
                notice_s=notice_s if role == "spot" else 0.0,
                fallback=(_FALLBACK,) if role == "spot" else (),
            )

        spot = [group(key, "spot", world.prices[zones[0]], zones) for key, zones in places.items()]
        plan = RuntimePlan(
            digest="replay",
            demand_units=0,
            reserve_units=0,
            groups=(*spot, group(_FALLBACK, "fallback", 1.0, ())),
            parameters=parameters or Parameters(),
        )
        name = "skyblend, zone groups" if zone_groups else "skyblend"
        super().__init__(name, world, [plan], {**places, _FALLBACK: ()})

    def answer(self, view: View) -> Answer:
        """The answer to what is wanted now."""
        wanted = view.wanted * _UNIT
        self.plans = tuple(dataclasses.replace(plan, demand_units=wanted) for plan in self.plans)
        return super().answer(view)
