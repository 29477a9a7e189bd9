"""Runs somebody else's small Pulumi program against the emulated clouds, through the real engine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pulumi import automation

from sandbox.market import Market, Sale
from sandbox.server import serving
from sandbox.world import World

ENGINE = {"PULUMI_CONFIG_PASSPHRASE": "", "PULUMI_NODEJS_SKIP_COMPONENT_INHERITANCE": "true"}


def sale(cloud: str, region: str, zone: str, instance_type: str, **known: int | str | None) -> Sale:
    """A sale with everything but its place made up."""
    made_up: dict[str, int | str | None] = {
        "gpu": "L4",
        "gpus": 1,
        "vcpus": 4,
        "on_demand_usd_micro": 800_000,
        "spot_usd_micro": 300_000,
    }
    return Sale(cloud, region, zone, instance_type, **(made_up | known))  # type: ignore[arg-type]


MARKET = Market(
    [
        *(
            sale("aws", "us-east-1", zone, kind)
            for zone in ("use1-az1", "use1-az2")
            for kind in ("g6.xlarge", "g6.2xlarge")
        ),
        *(
            sale("gcp", "us-central1", f"us-central1-{zone}", kind)
            for zone in "abc"
            for kind in ("g2-standard-4", "g2-standard-8")
        ),
        sale("azure", "eastus", "eastus", "Standard_NC4as_T4_v3", gpu="T4"),
        sale("azure", "eastus", "eastus", "Standard_NC24ads_A100_v4", gpu="A100-80GB", vcpus=24),
    ]
)


@dataclass(slots=True)
class Outcome:
    """What became of each resource of the program, by its Pulumi name."""

    world: World
    refused: dict[str, str] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    def note(self, event: automation.events.EngineEvent) -> None:
        """Collect one engine event."""
        if event.diagnostic_event:
            name = (
                event.diagnostic_event.urn.rsplit("::", 1)[-1] if event.diagnostic_event.urn else ""
            )
            if event.diagnostic_event.severity == "error" and name:
                self.refused[name] = self.refused.get(name, "") + event.diagnostic_event.message
            elif event.diagnostic_event.severity == "warning":
                self.warnings.append(event.diagnostic_event.message)
        if event.res_outputs_event and event.res_outputs_event.metadata.op == "create":
            self.created.add(event.res_outputs_event.metadata.urn.rsplit("::", 1)[-1])


@contextmanager
def engine(
    program: Callable[[], None] | None,
    folder: Path,
    *,
    market: Market = MARKET,
    world: World | None = None,
) -> Iterator[tuple[automation.Stack, World]]:
    """A stack of an inline program, with its backend and clouds in `folder`."""
    world = world or World(folder / "clouds.db", market)
    with serving(world) as attach:
        yield stack_of(program, folder, attach), world


def stack_of(
    program: Callable[[], None] | None, folder: Path, attach: Mapping[str, str]
) -> automation.Stack:
    """A stack of an inline program in clouds that are served."""
    backend = folder / "backend"
    backend.mkdir(exist_ok=True)
    env = {
        **ENGINE,
        **attach,
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_HOME": str(folder / "home"),
        "PATH": os.environ["PATH"],
    }
    return automation.create_or_select_stack(
        stack_name="test",
        project_name="foreign",
        program=program,
        opts=automation.LocalWorkspaceOptions(env_vars=env, work_dir=str(folder)),
    )


def run_foreign(program: Callable[[], None], *, market: Market = MARKET) -> Outcome:
    """One `up` that goes on past refusals. Every resource is tried; nothing is left running."""
    folder = Path(tempfile.mkdtemp(prefix="foreign-"))
    with engine(program, folder, market=market) as (stack, world):
        outcome = Outcome(world)
        try:
            stack.up(on_event=outcome.note, continue_on_error=True)
        except automation.errors.CommandError:
            if not outcome.refused:
                raise
    return outcome
