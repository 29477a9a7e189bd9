"""The model against measured engines, and fitted to them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from allocator.errors import DataError
from allocator.plan import Bucket
from allocator.profile.check import compare, compare_best, replica_of
from allocator.profile.coefficients import DEFAULTS
from allocator.profile.costs import costs_of
from allocator.profile.fit import fit
from allocator.profile.fitted import UNFITTED, read_fitted, write_fitted
from allocator.profile.shapes import shapes
from allocator.profile.steps import Size, closed_loop_rate
from allocator.profile.table import read_measured
from tests.allocator.profile.builders import SHIPPED, replica, row, slo, table_file

H200 = {
    name: read_measured(SHIPPED / f"h200-vllm0.24.0-{name}.json")
    for name in ("llama-3.1-8b", "llama-2-7b")
}


def error(ratios) -> float:
    return float(np.abs(ratios - 1).mean())


@pytest.mark.parametrize("model", H200)
def test_the_model_is_within_ten_percent_of_a_measured_engine(model):
    for ratios in (
        compare(H200[model]).ratios,
        compare_best(H200[model], 40),
        compare_best(H200[model], 120),
    ):
        assert error(ratios) <= 0.10
        assert ratios.max() <= 1.3


@pytest.mark.parametrize(
    ("seen", "other"), [("llama-3.1-8b", "llama-2-7b"), ("llama-2-7b", "llama-3.1-8b")]
)
def test_fitted_to_one_model_it_predicts_the_other(seen, other):
    fitted = fit([H200[seen]])
    assert error(compare(H200[seen], fitted).ratios) < error(compare(H200[seen]).ratios)
    assert error(compare(H200[other], fitted).ratios) <= 0.12


def test_a_fit_finds_the_coefficients_that_made_a_table(tmp_path: Path):
    truth = dataclasses.replace(DEFAULTS, product_share=0.6, weight_bandwidth=0.65)
    costs = costs_of(replica("L40S"), truth)
    rows = [
        row(input=i, output=o, concurrency=c, req_per_s=float(closed_loop_rate(costs, Size(i, o), c)))
        for i, o in ((100, 200), (1000, 50), (2000, 200)) for c in (1, 8, 32)
    ]  # fmt: skip
    measured = read_measured(table_file(tmp_path, *rows, gpu="L40S"))
    fitted = fit([measured])
    assert error(compare(measured).ratios) > 0.1
    assert error(compare(measured, fitted).ratios) < 0.03
    assert fitted.product_share == pytest.approx(0.6, rel=0.1)
    assert fitted.weight_bandwidth == pytest.approx(0.65, rel=0.1)
    assert fitted.expert_layer_s == DEFAULTS.expert_layer_s, "no row tells"


def test_a_row_that_finished_less_than_fewer_in_flight_did_counts_as_they_did(tmp_path: Path):
    rows = [row(concurrency=c, req_per_s=r) for c, r in ((8, 20.0), (16, 30.0), (32, 12.0))]
    compared = compare(read_measured(table_file(tmp_path, *rows)))
    assert [cut.concurrency for cut in compared.contradicted] == [32]
    assert compared.ratios[2] / compared.written[2] == pytest.approx(12 / 30)
    assert compared.to_dict()["as_written"]["max_ratio"] > compared.to_dict()["max_ratio"]
    assert compared.to_dict()["rows"] == 3


def test_an_open_loop_row_is_compared_at_the_requests_it_had_in_flight(tmp_path: Path):
    costs = costs_of(replica())
    rate = float(closed_loop_rate(costs, Size(100, 51), 10))
    opened = row(
        output=51,
        concurrency=None,
        request_rate=rate,
        req_per_s=rate,
        tpot_ms_mean=1e3 * 10 / rate / 50,
    )
    compared = compare(read_measured(table_file(tmp_path, opened)))
    assert compared.ratios[0] == pytest.approx(1.0, abs=0.02)


def test_a_shape_of_the_table_or_beside_it_makes_an_unshipped_model_known(tmp_path: Path):
    shape = H200["llama-3.1-8b"].file.model_shape
    with pytest.raises(DataError, match="model: no shape of 'mine' is shipped"):
        compare(read_measured(table_file(tmp_path, model="mine")))
    for key in ("model_shape", "model_config"):
        known = read_measured(table_file(tmp_path, model="mine", **{key: shape}))
        assert replica_of(known).model.params == pytest.approx(8.03e9, rel=1e-3)
    (tmp_path / "config.json").write_text('{"hidden_size": 1}')
    with pytest.raises(DataError, match=r"config\.json: num_hidden_layers: Field required"):
        read_measured(table_file(tmp_path, model="mine"), tmp_path / "config.json")


def test_the_precision_of_a_table_is_the_one_it_is_checked_in(tmp_path: Path):
    eight = read_measured(table_file(tmp_path, quantization="fp8", kv_cache_dtype="fp8_e4m3"))
    assert (eight.precision.name, eight.kv_bytes) == ("fp8", 1)
    own = named_oss = read_measured(table_file(tmp_path, model="gpt-oss-20b"))
    assert (own.precision.name, named_oss.kv_bytes) == ("mxfp4", 2)


def test_what_the_model_cannot_say_of_a_table_is_told(tmp_path: Path):
    with pytest.raises(DataError, match="gpu: unknown GPU 'H2OO'"):
        compare(read_measured(table_file(tmp_path, gpu="H2OO")))
    with pytest.raises(DataError, match=r"rows: 40000/50 does not fit in the memory of 1 x L4"):
        compare(read_measured(table_file(tmp_path, row(input=40_000), gpu="L4")))


def test_a_written_fit_is_what_plans_use_and_name(tmp_path: Path):
    file = tmp_path / "coefficients.json"
    assert read_fitted(file) is UNFITTED
    changed = dataclasses.replace(DEFAULTS, product_share=0.5)
    write_fitted(file, changed, ["mine"], H200["llama-2-7b"].file.measured_on)
    fitted = read_fitted(file)
    assert fitted.coefficients == changed
    (slow,) = shapes([replica()], (Bucket(4000, 50, None, None, 1.0),), slo(), (), fitted)
    (usual,) = shapes([replica()], (Bucket(4000, 50, None, None, 1.0),), slo(), ())
    assert slow.requests_per_second < usual.requests_per_second
    assert slow.origins == ("model, fitted to mine",)
    file.write_text('{"fitted_to": [], "as_of": "2026-01-01", "coefficients": {"clock_fal": 0.1}}')
    with pytest.raises(DataError, match="unknown coefficient 'clock_fal'; did you mean clock_fall"):
        read_fitted(file)
