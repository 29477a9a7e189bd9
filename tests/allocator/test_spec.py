"""Bad configuration: one line each, naming the key, what is wrong, and what to try."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from allocator.errors import AllocatorError, InfeasibleError, SpecError
from allocator.planner import plan_for
from allocator.spec import Spec, override_section, stack_config
from tests.allocator.conftest import PROJECT

STACKS = ("dev", "prod", "sandbox", "staging")


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("market.gpus=[L5]", ("market.gpus", "'L5'", "did you mean L4")),
        ("market.gpus=[V100]", ("market.gpus", "V100 has no throughput profile")),
        ("market.regions=[aws-us-eest-1]", ("market.regions", "'aws-us-eest-1'", "aws-us-east-1")),
        ("market.regions=[us-east-1]", ("market.regions", "'us-east-1'")),
        ("market.clouds=[ibm]", ("market.clouds", "'ibm'", "'azure'")),
        ("market.clouds=[]", ("market.clouds", "at least 1 item")),
        ("market.snapshot='1999-01-01'", ("market.snapshot", "'1999-01-01'", "2026-08-03")),
        ("market.max_interruption_band=5", ("market.max_interruption_band", "5")),
        ("service.model=llama-3.1-9b", ("service.model", "did you mean llama-3.1-8b")),
        ("service.slo.tpot_ms=-1", ("service.slo.tpot_ms", "greater than 0", "-1")),
        ("service.slo.headroom=1.5", ("service.slo.headroom", "1.5")),
        ("workload.histogram=azure2023_cove", ("workload.histogram", "azure2023_conv")),
        (
            "workload.requests_per_second=-3",
            ("workload.requests_per_second", "greater than 0", "-3"),
        ),
        (
            "workload.requests_per_second=0",
            ("workload.requests_per_second", "greater than 0", "is 0"),
        ),
        *(
            (f"workload.requests_per_second={rate}", ("at least 0.01 (one request in 100 s), is ",))
            for rate in ("0.0099", "1e-5", "1e-9", "1.0e-300")
        ),
        ("workload.requests_per_second=.nan", ("workload.requests_per_second", "finite", "is nan")),
        ("workload.requests_per_second=1e999", ("workload.requests_per_second", "finite", "inf")),
        ("workload.requests_per_second=[4]", ("valid number, is [4]",)),
        ("workload.requests_per_second=2026-08-03", ("valid number, is 2026-08-03",)),
        ("workload.requests_per_second=many", ("workload.requests_per_second", "'many'")),
        (
            "workload.requests_per_secnd=3",
            ("workload.requests_per_secnd: unknown key", "did you mean requests_per_second?"),
        ),
        ("service.slo.tpot=3", ("service.slo.tpot: unknown key 'tpot'; did you mean tpot_ms?",)),
        ("service.slo=5", ("service.slo: should be a mapping of keys to values, is 5",)),
        ("market.gpus={a: {b: {c: {}}}}", ("market.gpus", "valid list, is {'a': {'b': {...}}}")),
        ("limits.max_region_share=0", ("limits.max_region_share", "greater than 0")),
        ("limits.nodes_per_pool=0", ("limits.nodes_per_pool", "greater than or equal to 1")),
        ("limts.nodes_per_pool=3", ("'skyblend:limts'", "did you mean skyblend:limits")),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_key(
    config: dict[str, Any], override: str, parts: tuple[str, ...]
) -> None:
    override_section(config, override)
    with pytest.raises(SpecError) as caught:
        plan_for(config, PROJECT)
    assert "\n" not in str(caught.value)
    assert [part for part in parts if part not in str(caught.value)] == []


@pytest.mark.parametrize("section", ["service", "clouds"])
def test_a_section_that_is_no_mapping_is_one_line(config: dict[str, Any], section: str) -> None:
    with pytest.raises(SpecError, match=f"skyblend:{section}: should be a mapping .*, is 5"):
        Spec.read(config | {section: 5})


def test_a_number_with_an_exponent_and_an_unquoted_date_are_read_as_meant(
    config: dict[str, Any],
) -> None:
    for override in (
        "workload.requests_per_second=1e2",
        "limits.max_region_share=5e-1",
        "market.snapshot=2026-08-03",
    ):
        override_section(config, override)
    spec = Spec.read(config)
    assert (spec.workload.requests_per_second, spec.limits.max_region_share) == (100.0, 0.5)
    assert spec.market.snapshot == "2026-08-03"
    config["market"]["snapshot"] = "2026-08-03T00:00:00Z"
    assert Spec.read(config).market.snapshot == "2026-08-03", "as Pulumi reads an unquoted date"


@pytest.mark.parametrize("section", ["service", "workload", "market"])
def test_a_missing_section_is_named_with_where_to_copy_it_from(
    config: dict[str, Any], section: str
) -> None:
    del config[section]
    with pytest.raises(SpecError, match=f"skyblend:{section} is missing; copy it from"):
        Spec.read(config)


def test_a_missing_value_is_named(config: dict[str, Any]) -> None:
    del config["service"]["slo"]
    with pytest.raises(SpecError, match=r"skyblend:service\.slo"):
        Spec.read(config)


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("service.slo.tpot_ms=1", ("tpot_ms 1", "raise the SLO")),
        ("service.slo.ttft_ms=0.5", ("ttft_ms 0.5", "raise the SLO")),
        (
            "workload.requests_per_second=900000",
            ("900000 requests/s", "limits.nodes_per_pool 16 -> "),
        ),
        ("limits.max_region_share=0.05", ("limits.max_region_share 0.05 -> 0.25",)),
        ("limits.budget_usd_per_hour=0.01", ("limits.budget_usd_per_hour 0.01 -> 0.6",)),
        ("market.max_usd_per_gpu_hour=0.001", ("market.*", "higher price")),
    ],
)
def test_a_demand_that_no_plan_meets_names_the_limit_and_what_would_help(
    config: dict[str, Any], override: str, parts: tuple[str, ...]
) -> None:
    override_section(config, override)
    with pytest.raises(InfeasibleError) as caught:
        plan_for(config, PROJECT)
    assert "\n" not in str(caught.value)
    assert [part for part in parts if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    "override",
    [
        "market",
        "market.gpus",
        "=3",
        "service.model.size=3",
        "service.model=[",
        "market.snapshot=2026-13-01",
    ],
)
def test_an_override_that_cannot_be_read_is_one_line(config: dict[str, Any], override: str) -> None:
    with pytest.raises(SpecError) as caught:
        override_section(config, override)
    assert override in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_stack_is_told_the_nearest_one() -> None:
    with pytest.raises(SpecError, match="unknown stack 'sandbo'; did you mean sandbox"):
        stack_config(PROJECT, "sandbo")


def test_a_stack_file_that_is_no_yaml_is_one_line(root: Path) -> None:
    (root / "stacks/Pulumi.dev.yaml").write_text("config: [")
    with pytest.raises(SpecError, match=r"Pulumi\.dev\.yaml: not YAML") as caught:
        stack_config(root, "dev")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"config: 5", "config: should be a mapping, is 5"),
        (b"5", "should be a mapping, is 5"),
        (b"[1]", r"should be a mapping, is \[1\]"),
        (b"config: \xff\xfe", "not UTF-8 text: invalid start byte at byte 8"),
        (b"config: {a: 2026-13-01}", "not YAML: month must be in 1..12"),
        (b"[" * 5000, "not YAML"),
    ],
)
def test_a_stack_file_of_another_form_is_one_line(root: Path, content: bytes, said: str) -> None:
    (root / "stacks/Pulumi.dev.yaml").write_bytes(content)
    with pytest.raises(SpecError, match=rf"Pulumi\.dev\.yaml: {said}") as caught:
        stack_config(root, "dev")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("stack", STACKS)
def test_every_shipped_stack_can_be_read(stack: str) -> None:
    config = stack_config(PROJECT, stack)
    assert Spec.read(config).service.model == "llama-3.1-8b"
    assert not config["service"]["weights"].startswith("meta-llama/"), "gated"
    assert "clouds" in config, "what infra needs travels with the rest"


def test_region_patterns_have_wildcards(config: dict[str, Any]) -> None:
    override_section(config, "market.regions=[aws-us-*]")
    spec = Spec.read(config)
    assert spec.allows_region("aws-us-east-1")
    assert not spec.allows_region("aws-eu-west-1")
    assert not spec.allows_region("gcp-us-east1")


def test_every_error_of_the_package_is_of_one_tree() -> None:
    assert issubclass(SpecError, AllocatorError)
    assert issubclass(InfeasibleError, AllocatorError)
