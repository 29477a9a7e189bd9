"""From the stack's configuration to its outputs: plan, say so in one line, declare, export.

Whatever the person at the terminal can mend ends the run with one line and no traceback.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi

from allocator.errors import AllocatorError
from allocator.plan import Plan
from allocator.planner import plan_for, price_age
from infra.errors import InfraError
from infra.naming import Owner
from infra.program import declare
from infra.settings import read_settings

_SETTINGS_KEY = "clouds"
_TOLD = 32
"""Exit status by which a language host knows that the person has been told why. `pulumi.RunError` ends with 1, for
which the engine adds a line of its own about an unhandled error."""


async def run() -> None:
    """The whole program. The plan is exported last: it describes what exists."""
    project = pulumi.get_project()
    today = datetime.now(UTC).date()
    try:
        config = stack_config(pulumi.runtime.get_config_env(), project)
        plan = plan_for(config, project_root(), await deployed_plan())
        age_days, warning = price_age(plan, config, today)
        settings = read_settings(
            config.get(_SETTINGS_KEY), {cell.cloud for cell in plan.decisions.cells}
        )
        pulumi.log.info(headline(plan, age_days))
        if warning:
            pulumi.log.warn(warning)
        declared = declare(plan, settings, Owner(project, pulumi.get_stack()))
    except (AllocatorError, InfraError) as error:
        pulumi.log.error(str(error))
        sys.exit(_TOLD)
    pulumi.export("endpoint", declared.endpoint)
    pulumi.export("stores", declared.stores)
    pulumi.export("hourly_cost", plan.money.hourly_usd_micro / 1_000_000)
    pulumi.export("plan_digest", plan.digest)
    pulumi.export("plan", plan.to_dict())


async def deployed_plan() -> Plan | None:
    """The plan that this stack's last update exported; None before the first, or where another version wrote it."""
    own = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    details = await pulumi.StackReference(own).get_output_details("plan")
    if details.value is None:
        return None
    try:
        return Plan.from_dict(details.value)
    except (ValueError, TypeError, KeyError) as error:
        pulumi.log.warn(f"the deployed plan is left out of the reckoning: {error}")
        return None


def project_root() -> Path:
    """The folder of Pulumi.yaml, for the files that the configuration names.

    Language hosts older than the SDK do not pass it on; the engine starts the program in that folder or, with
    `main`, in one below it.
    """
    start = Path(pulumi.get_root_directory() or Path.cwd())
    for folder in (start, *start.parents):
        if (folder / "Pulumi.yaml").exists():
            return folder
    raise InfraError(f"no Pulumi.yaml in {start} or above it; run pulumi in the project's folder")


def stack_config(raw: Mapping[str, str], project: str) -> dict[str, Any]:
    """The project's own keys of the configuration, defaults of Pulumi.yaml included, parsed where they are JSON."""
    prefix = f"{project}:"
    return {
        key.removeprefix(prefix): _parsed(value)
        for key, value in sorted(raw.items())
        if key.startswith(prefix)
    }


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def headline(plan: Plan, age_days: int) -> str:
    """What preview and up say about the plan, in one line."""
    money, cells = plan.money, plan.decisions.cells
    nodes = sum(pool.nodes for pool in plan.decisions.pools)
    return (
        f"plan {plan.digest[:6]}: {_count(nodes, 'node')} in {_count(len(cells), 'region')}, "
        f"${money.hourly_usd_micro / 1_000_000:.2f}/h ({money.saving_percent:.0f} % below on demand), "
        f"oldest price {_count(age_days, 'day')} old"
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
