"""What goes wrong on demand. Settings, so that they hold for every process and until they are taken back.

`fault/<cloud>/errors`, `fault/<cloud>/throttles`: the share of API calls that end so, 0 to 1, drawn from a seed
(`fault/seed`) so that the same calls meet the same luck. `fault/<cloud>/dead`, `fault/<cloud>/dead/<region>`: nothing
there answers. `fault/<cloud>/function/<id>`: that function does not start; without an id none does. `fault/<cloud>/kill/<action>`: so many times
the cloud's functions are killed once a call of this name was carried out, before its answer is sent.
"""

from __future__ import annotations

import random

from sandbox.http import ERROR, THROTTLE
from sandbox.world import Record, World


def dead(world: World, cloud: str, region: str) -> bool:
    """Whether a cloud, or this region of it, is gone."""
    known = world.settings(f"fault/{cloud}/dead")
    return "" in known or f"/{region}" in known


def dead_function(world: World, function: Record) -> bool:
    """Whether a function does not start."""
    return bool({"", function.id} & world.settings(f"fault/{function.cloud}/function/").keys())


def luck(world: World, cloud: str, number: int) -> str:
    """What becomes of a cloud's so-and-so-many-th call: ERROR, THROTTLE, or empty where it goes on."""
    drawn = random.Random(f"{world.setting('fault/seed', '')}/{cloud}/{number}").random()
    for fault, name in ((ERROR, "errors"), (THROTTLE, "throttles")):
        share = float(world.setting(f"fault/{cloud}/{name}", "0"))
        if drawn < share:
            return fault
        drawn -= share
    return ""


def kills(world: World, cloud: str, action: str) -> bool:
    """Whether the cloud's functions are to be killed after this call; counts down."""
    name = f"fault/{cloud}/kill/{action}"
    with world.change():
        left = int(world.setting(name, "0"))
        if left:
            world.set_setting(name, str(left - 1) if left > 1 else None)
    return left > 0


def none(world: World) -> None:
    """Take everything back."""
    world.sql("delete from settings where name like 'fault/%' or name like 'bus/%'")
