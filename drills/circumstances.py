"""What else goes wrong while an outage is played; taken back at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from drills.scene import DrillError, Scene
from sandbox import faults, trace
from sandbox.clouds import CLOUDS
from sandbox.world import World


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Shares are of calls, 0 to 1; `boot_s`: from launch to an engine that answers."""

    boot_s: float
    errors: float = 0.0
    throttles: float = 0.0
    copies: int = 1
    jitter_ms: float = 0.0
    mute: bool = False
    reactor_off: bool = False
    dead_region: str | None = None
    trace: Path | None = None


@contextmanager
def applied(world: World, scene: Scene, given: Circumstances) -> Iterator[None]:
    """Hold while the context is open. Raises DrillError for a place or a file that is none."""
    settings = {
        "boot_s": str(given.boot_s),
        "bus/copies": str(given.copies),
        "bus/jitter_ms": str(given.jitter_ms),
    }
    if given.mute:
        settings["bus/mute"] = "1"
    for cloud in CLOUDS:
        settings[f"fault/{cloud}/errors"] = str(given.errors)
        settings[f"fault/{cloud}/throttles"] = str(given.throttles)
    if given.dead_region:
        group = scene.region(given.dead_region)[0]
        settings[f"fault/{group.cloud}/dead/{group.region}"] = "1"
        if given.reactor_off:
            settings[f"fault/{cloud}/function/"] = "1"
    with world.change():
        for name, value in settings.items():
            world.set_setting(name, value)
    try:
        if given.trace:
            _follow(world, scene, given.trace)
        yield
    finally:
        faults.none(world)
        world.set_setting("boot_s", None)


def _follow(world: World, scene: Scene, file: Path) -> None:
    """Every zone where the stack has spot machines follows the recording."""
    zones = {
        f"{group.cloud}/{group.region}/{machine.body['zone']}"
        for group in scene.groups
        if group.role == "spot"
        for machine in world.members(world.get(group.cloud, *group.record), "machine")  # type: ignore[arg-type]
    }
    try:
        for zone in sorted(zones):
            trace.follow(world, zone, file, machines=4)
    except (OSError, ValueError) as error:
        raise DrillError(f"--trace {file}: {error}") from error
