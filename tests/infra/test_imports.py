"""A provider package costs seconds: only those that the plan uses are imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from tests.infra import plans
from tests.infra.declared import declared, settings
edge, *clouds = sys.argv[1:]
if clouds:
    declared(plans.plan(*(getattr(plans, cloud) for cloud in clouds)), settings({"edge": edge}))
print(*sorted(m.removeprefix("pulumi_") for m in sys.modules if m in ("pulumi_aws", "pulumi_gcp", "pulumi_azure_native")))
if "azure" not in " ".join(clouds).lower():
    assert "pulumi_azure_native.compute.virtual_machine_scale_set" not in sys.modules
"""


def imported(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "packages"),
    [
        (("none",), set()),
        (("none", "AWS"), {"aws"}),
        (("none", "GCP"), {"gcp"}),
        (("front-door", "AWS"), {"aws", "azure_native"}),
    ],
)
def test_only_the_packages_of_the_plans_clouds_and_edge_are_imported(
    arguments: tuple[str, ...], packages: set[str]
) -> None:
    assert imported(*arguments) == packages
