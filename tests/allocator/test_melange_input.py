"""Mélange's config as it is read, and `python -m allocator mix`: bad input is one line, good input its answer."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from allocator.__main__ import main
from allocator.errors import AllocatorError, DataError, InfeasibleError
from allocator.melange import Config, read_config, solve, table
from tests.allocator.test_melange import PUBLISHED, config


class TestInput:
    def changed(self, **values: Any) -> dict[str, Any]:
        return {**PUBLISHED, **values}

    def read(self, tmp_path: Path, data: Any) -> Config:
        file = tmp_path / "mix.json"
        file.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
        return read_config(file)

    def test_the_readme_form_is_read_too(self, tmp_path):
        gpus = [{"name": name, **gpu} for name, gpu in PUBLISHED["gpu_info"].items()]
        data = self.changed(gpu_info=gpus, overall_rate=30.0)
        del data["total_request_rate"]
        assert self.read(tmp_path, data) == Config.model_validate(PUBLISHED)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"gpu_info": {}}, "gpu_info: Dictionary should have at least 1 item"),
            ({"gpu_info": [{"cost": 1}]}, "gpu_info: every GPU of a list needs a name"),
            ({"gpu_info": [{"name": "a"}, {"name": "a"}]}, "two GPUs of the list have the same name"),
            ({"gpu_info": {"a": {"cost": -1, "tputs": [[1, 1], [1, 1]]}}}, "gpu_info.a.cost: should be greater than or equal to 0, is -1"),
            ({"gpu_info": {"a": {"cost": math.nan, "tputs": [[1, 1], [1, 1]]}}}, "gpu_info.a.cost: should be a finite number"),
            ({"gpu_info": {"a": {"cost": 1, "tputs": [[1, -2], [1, 1]]}}}, "gpu_info.a.tputs.0.1: should be greater than or equal to 0, is -2"),
            ({"gpu_info": {"a": {"cost": 1, "tputs": [[1, math.inf], [1, 1]]}}}, "gpu_info.a.tputs.0.1: should be a finite number"),
            ({"gpu_info": {"a": {"cost": 1, "tputs": [[1, 1], [1]]}}}, "gpu_info.a.tputs: row 1 has 1 columns, row 0 has 2"),
            ({"gpu_info": {"a": {"cost": 1, "tputs": [[1, 1]]}}}, "gpu_info.a.tputs is 1 x 2, workload_distribution is 2 x 2"),
            ({"workload_distribution": [[0.5], [0.5, 0.1]]}, "workload_distribution: row 1 has 2 columns, row 0 has 1"),
            ({"workload_distribution": []}, "workload_distribution: needs a row per input size"),
            ({"workload_distribution": [[0, 0], [0, 0]]}, "workload_distribution: all buckets are 0"),
            ({"workload_distribution": [[-0.1, 0.5], [0.5, 0.1]]}, "workload_distribution.0.0: should be greater than or equal to 0"),
            ({"total_request_rate": 0}, "total_request_rate: should be greater than 0, is 0"),
            ({"total_request_rate": -3}, "total_request_rate: should be greater than 0, is -3"),
            ({"slice_factor": 0}, "slice_factor: should be greater than or equal to 1, is 0"),
            ({"slice_factor": 1.5}, "slice_factor: should be a valid integer, got a number with a fractional part, is 1.5"),
        ],
    )  # fmt: skip
    def test_bad_input_is_one_line(self, tmp_path, change, said):
        with pytest.raises(DataError) as error:
            self.read(tmp_path, self.changed(**change))
        assert str(error.value).startswith("mix mix.json: ")
        assert said in str(error.value)
        assert "\n" not in str(error.value)

    def test_a_file_that_is_no_json_or_is_missing_is_one_line(self, tmp_path):
        for data, said in (("{", "Invalid JSON"), ("[]", "should be a"), ("", "Invalid JSON")):
            with pytest.raises(DataError, match=said) as error:
                self.read(tmp_path, data)
            assert "\n" not in str(error.value)
        with pytest.raises(DataError, match="No such file"):
            read_config(tmp_path / "missing.json")
        with pytest.raises(AllocatorError):
            read_config(tmp_path)

    def test_a_bucket_that_nothing_serves_is_named(self):
        asked = config([1.0, 2.0], [[[5, 0]], [[5, 0]]], [[0.9, 0.1]], 10)
        with pytest.raises(InfeasibleError, match=r"no GPU type serves bucket \[0\]\[1\]"):
            solve(asked)


class TestCommand:
    def run(self, tmp_path: Path, data: Any, *words: str) -> int:
        file = tmp_path / "mix.json"
        file.write_text(json.dumps(data), encoding="utf-8")
        return main(["mix", "--melange", str(file), *words])

    def test_json_has_counts_routing_and_proof(self, tmp_path, capsys):
        assert self.run(tmp_path, PUBLISHED, "--json") == 0
        printed = json.loads(capsys.readouterr().out)
        assert list(printed) == ["counts", "cost", "bound", "gap", "routing", "seconds"]
        assert printed["counts"] == {"A10G": 1, "A100-80GB": 1}
        assert sum(printed["routing"][1][0].values()) == pytest.approx(1)
        assert printed["seconds"] > 0

    def test_the_table_shows_what_is_bought_and_the_proof(self, tmp_path, capsys):
        assert self.run(tmp_path, PUBLISHED) == 0
        printed = capsys.readouterr()
        assert "A100-80GB" in printed.out
        assert "cost   $4.68/h, proven at least $4.68/h" in printed.out
        assert printed.out.isascii()
        assert printed.err == ""

    def test_a_distribution_that_does_not_sum_to_1_is_taken_as_it_is_and_said(
        self, tmp_path, capsys
    ):
        data = {**PUBLISHED, "workload_distribution": [[0.4, 0.2], [1.0, 0.4]]}
        assert self.run(tmp_path, data) == 0
        doubled = capsys.readouterr()
        assert doubled.err == (
            "warning: workload_distribution sums to 2, not 1; taken as it is, so the traffic is 60 requests/s\n"
        )
        twice = solve(Config.model_validate({**PUBLISHED, "total_request_rate": 60.0}))
        same = solve(Config.model_validate(data))
        assert same.counts == twice.counts
        assert table(same).splitlines()[:-1] == doubled.out.splitlines()[:-1]

    def test_bad_input_ends_with_1_and_a_line(self, tmp_path, capsys):
        assert self.run(tmp_path, {**PUBLISHED, "total_request_rate": -1}, "--json") == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("error: mix mix.json: total_request_rate")
        assert printed.err.count("\n") == 1
