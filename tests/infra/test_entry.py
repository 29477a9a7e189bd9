"""From configuration to outputs: what is said, what is exported, how it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from allocator.errors import AllocatorError
from infra import entry
from infra.errors import InfraError
from tests.infra import plans
from tests.infra.declared import recording


def configure(monkeypatch: pytest.MonkeyPatch, **sections: Any) -> None:
    config = {f"skyblend:{key}": json.dumps(value) for key, value in sections.items()}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config))


def exported(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the program with a given plan; its outputs in the order of export."""
    outputs: dict[str, Any] = {}
    monkeypatch.setattr(pulumi, "export", outputs.__setitem__)
    monkeypatch.setattr(entry, "project_root", Path)
    recording(entry.run)
    return outputs


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Makes the allocator answer with a plan, or fail with an error."""

    def answer(result: Any) -> None:
        def plan_for(config: dict[str, Any], root: Path, deployed: Any) -> Any:
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr(entry, "plan_for", plan_for)
        monkeypatch.setattr(entry, "price_age", lambda plan, config, today: (200, "prices are old"))

    return answer


def test_the_projects_own_keys_are_parsed_and_others_left_alone() -> None:
    raw = {
        "skyblend:workload": '{"requests_per_second": 8}',
        "skyblend:note": "not json",
        "aws:region": "us-east-1",
    }
    config = entry.stack_config(raw, "skyblend")
    assert config == {"workload": {"requests_per_second": 8}, "note": "not json"}


@pytest.mark.parametrize("told", [True, False])
def test_the_root_is_where_pulumi_yaml_is_whether_the_host_tells_it_or_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: bool
) -> None:
    (tmp_path / "Pulumi.yaml").touch()
    (tmp_path / "infra").mkdir()
    monkeypatch.chdir("/" if told else tmp_path / "infra")
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(tmp_path) if told else None)
    assert entry.project_root() == tmp_path


def test_a_missing_pulumi_yaml_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(tmp_path))
    with pytest.raises(InfraError, match=r"no Pulumi\.yaml in"):
        entry.project_root()


def test_one_line_says_digest_nodes_cost_saving_and_the_age_of_prices() -> None:
    plan = plans.plan()
    assert entry.headline(plan, 2) == (
        f"plan {plan.digest[:6]}: 6 nodes in 3 regions, $1.80/h (62 % below on demand), "
        "oldest price 2 days old"
    )


def test_one_of_a_kind_is_said_in_the_singular() -> None:
    plan = plans.plan(plans.AWS, pools=(plans.pool(plans.AWS, nodes=1),))
    assert ": 1 node in 1 region, " in entry.headline(plan, 0)


def test_the_plan_is_exported_last_and_reads_back_and_old_prices_are_warned_of(
    monkeypatch: pytest.MonkeyPatch, planner: Callable[[Any], None]
) -> None:
    plan = plans.plan(plans.AWS)
    planner(plan)
    configure(monkeypatch, clouds={"edge": "none"})
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    outputs = exported(monkeypatch)
    assert warnings == ["prices are old"]
    assert list(outputs) == ["endpoint", "stores", "hourly_cost", "plan_digest", "plan"]
    assert outputs["hourly_cost"] == 1.8
    assert outputs["plan_digest"] == plan.digest
    assert type(plan).from_dict(outputs["plan"]) == plan


def test_the_plan_that_the_last_update_exported_is_given_to_the_allocator(
    monkeypatch: pytest.MonkeyPatch, planner: Callable[[Any], None]
) -> None:
    before, given = plans.plan(plans.AWS), []
    planner(before)
    answer = entry.plan_for
    monkeypatch.setattr(
        entry,
        "plan_for",
        lambda config, root, old: (given.append(old), answer(config, root, old))[1],
    )
    configure(monkeypatch, clouds={"edge": "none"})
    floats = json.loads(json.dumps(before.to_dict()), parse_int=float)
    for outputs in ({}, {"plan": floats}, {"plan": floats | {"schema_version": 1}}):
        monkeypatch.setattr(pulumi, "export", lambda name, value: None)
        monkeypatch.setattr(entry, "project_root", Path)
        recording(entry.run, outputs)
    assert given == [None, before, None]


@pytest.mark.parametrize(
    ("result", "clouds", "line"),
    [
        (AllocatorError("no plan meets 40 requests/s"), {}, "no plan meets 40 requests/s"),
        (plans.plan(plans.AWS), {"edge": "nowhere"}, "skyblend:clouds.edge: Input should be"),
        (plans.plan(plans.AZURE), {}, "skyblend:clouds.azure.admin_ssh_key is missing"),
    ],
)
def test_what_the_user_can_mend_ends_the_run_with_one_line(
    monkeypatch: pytest.MonkeyPatch,
    planner: Callable[[Any], None],
    result: Any,
    clouds: dict[str, Any],
    line: str,
) -> None:
    planner(result)
    configure(monkeypatch, clouds=clouds)
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", told.append)
    with pytest.raises(SystemExit) as caught:
        exported(monkeypatch)
    assert caught.value.code == 32  # the engine adds nothing to what was told
    (message,) = told
    assert message.startswith(line)
    assert "\n" not in message
