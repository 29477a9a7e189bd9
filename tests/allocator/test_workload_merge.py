"""Workloads merged and drawn: exact on common edges, weighted by rate, with the origin of every part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allocator.__main__ import main
from allocator.errors import DataError
from allocator.workload.histogram import Described, Histogram, read_described
from allocator.workload.merge import merged
from tests.allocator.conftest import PROJECT

SHIPPED = PROJECT / "stacks/workloads"
CONV = read_described(SHIPPED / "azure2023_conv.json")
CODE = read_described(SHIPPED / "azure2023_code.json")


def part(name: str, **changes: Any) -> Described:
    made: dict[str, Any] = {
        "name": name, "input_upper": [100, 1000, None], "output_upper": [50, None],
        "counts": [[10, 0], [0, 20], [0, 10]], "input_tokens": {"max": 3000}, "output_tokens": {"max": 400},
        "input_means": [60, 400, 2500], "output_means": [20, 200], "arrivals": {"mean_req_s": 2.0},
    }  # fmt: skip
    return Described.model_validate(made | changes)


def shares(histogram: Histogram) -> Any:
    return np.array(histogram.counts) / histogram.requests


def test_merging_weights_by_rate_and_keeps_every_part_s_origin() -> None:
    both = Described.model_validate(merged("both", [CONV, CODE], [3.0, 1.0]))
    assert shares(both) == pytest.approx(0.75 * shares(CONV) + 0.25 * shares(CODE), abs=1e-8)
    content = merged("both", [CONV, CODE], [3.0, 1.0], scale=2.0)
    assert content["arrivals"] == {"mean_req_s": 8.0}
    assert [(p["name"], p["req_s"], p["license"]) for p in content["parts"]] == [
        ("azure2023_conv", 3.0, "CC-BY-4.0"),
        ("azure2023_code", 1.0, "CC-BY-4.0"),
    ]


def test_without_weights_the_parts_own_mean_rates_count() -> None:
    assert [p["req_s"] for p in merged("both", [CONV, CODE], None)["parts"]] == [5.5304, 2.5667]
    with pytest.raises(DataError, match="workload quiet: tells no rate; give --weights"):
        merged("both", [part("quiet", arrivals=None), CODE], None)


def test_bins_are_joined_on_common_edges_and_keep_their_tokens() -> None:
    other = part("other", input_upper=[1000, 2000, None], input_means=[500, 1500, 2500])
    both = Described.model_validate(merged("both", [part("one"), other], [1.0, 1.0]))
    assert both.input_upper == [1000, None]
    assert both.requests == pytest.approx(1e9, rel=1e-6)
    assert shares(both).sum(axis=1) == pytest.approx([0.5, 0.5], abs=1e-8)
    tokens = shares(both).sum(axis=1) @ both.inputs()
    one = (10 * 60 + 20 * 400 + 10 * 2500) / 40
    two = (10 * 500 + 20 * 1500 + 10 * 2500) / 40
    assert tokens == pytest.approx((one + two) / 2)


def test_a_closed_last_bin_lies_below_the_other_s_further_edges() -> None:
    short = part(
        "short", input_upper=[100, 500, 1000], input_means=[60, 400, 900], input_tokens={"max": 950}
    )
    both = Described.model_validate(merged("both", [part("one"), short], [1.0, 3.0]))
    assert both.input_upper == [100, 1000, None]
    assert shares(both).sum(axis=1) == pytest.approx([0.25, 0.6875, 0.0625], abs=1e-8)


def test_workloads_without_a_common_edge_are_refused() -> None:
    other = part("other", input_upper=[150, 1500, None], input_means=None)
    with pytest.raises(DataError, match=r"input bins have no edge in common; .* --edges NAME"):
        merged("both", [part("one"), other], [1.0, 1.0])


@pytest.mark.parametrize(
    ("means", "said"),
    [([60, 400], "means must be one per bin"), ([60, 2000, 2500], "each within it")],
)
def test_means_outside_their_bins_are_refused(means: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        part("bad", input_means=means)


def test_the_command_merges_shows_and_draws(root: Path, capsys: Any) -> None:
    words = ["--root", str(root)]
    plot = root / "both.png"
    names = ["azure2023_conv", "azure2023_code"]
    assert main(["workload", "merge", *names, "--out", "both", *words]) == 0
    assert json.loads((root / "stacks/workloads/both.json").read_text())["kind"] == "merged"
    assert main(["workload", "show", "both", "--plot", str(plot), *words]) == 0
    assert "requests/s: mean 8.0971" in capsys.readouterr().out
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert (
        main(["plan", "--stack", "dev", "--set", "workload.histogram=both", "--json", *words]) == 0
    )


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.json")), ids=lambda file: file.stem)
def test_a_shipped_workload_is_shown_with_its_origin(file: Path, capsys: Any) -> None:
    assert main(["workload", "show", file.stem, "--root", str(PROJECT)]) == 0
    out, described = capsys.readouterr().out, read_described(file)
    for known in (
        described.title,
        described.source,
        described.license,
        f"{described.n:,} requests",
    ):
        assert known
        assert known in " ".join(out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "azure2023_cnv"], "unknown workload 'azure2023_cnv'; did you mean azure2023_conv"),
        (["show", "azure2023_conv", "--plot", "x.pdf"], "--plot x.pdf: must end in .png"),
        (["show", "azure2023_conv", "--plot", "no/x.png"], "--plot no/x.png: No such file"),
        (["merge", "azure2023_conv", "azure2023_code", "--weights", "1"], "--weights: 1 for 2 workloads"),
        (["merge", "azure2023_conv", "--out", "../x"], "--out ../x: should be a name"),
        (["from-log", "none.csv"], "log none.csv: No such file"),
        (["from-log", "none.csv", "--format", "csv", "--edges", "5,4x3"], "--edges 5,4x3: should rise"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_in_one_line(words: list[str], said: str, capsys: Any) -> None:
    assert main(["workload", *words, "--root", str(PROJECT)]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
