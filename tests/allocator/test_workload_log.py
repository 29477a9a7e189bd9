"""Workloads from request logs: nothing lost, nothing guessed, and one line for what cannot be read."""

from __future__ import annotations

import gzip
import json
import random
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.__main__ import main
from allocator.workload import buckets
from allocator.workload.histogram import Histogram, read_described, read_histogram
from allocator.workload.log import Columns, Log, Request
from allocator.workload.tally import Tally

lengths = st.integers(1, 200_000)
some_requests = st.lists(st.tuples(lengths, lengths), min_size=1, max_size=300)


def tallied(pairs: list[tuple[int, int]], **options: Any) -> Tally:
    tally = Tally(**options)
    tally.add(Request(i, o, None) for i, o in pairs)
    return tally


def histogram(tally: Tally, clipped_percent: float = 0.0) -> Histogram:
    return Histogram.model_validate({"name": "made", **tally.histogram(clipped_percent)})


def from_log(root: Path, text: str, *words: str, name: str = "log.csv") -> int:
    (root / "stacks/workloads").mkdir(parents=True, exist_ok=True)
    file = root / name
    file.write_text(text, encoding="utf-8")
    return main(["workload", "from-log", str(file), "--root", str(root), "--out", "made", *words])


def made(root: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((root / "stacks/workloads/made.json").read_text())
    return content


@settings(max_examples=60, deadline=None)
@given(some_requests, st.floats(0, 20))
def test_every_request_and_token_is_in_the_histogram_and_its_buckets(
    pairs: list[tuple[int, int]], percent: float
) -> None:
    shape = histogram(tallied(pairs), percent)
    cut = (shape.input_tokens.max, shape.output_tokens.max)
    assert shape.requests == len(pairs)
    assert (len(shape.input_upper), len(shape.output_upper)) <= (11, 8)
    parts = buckets(shape, float(len(pairs)))
    assert sum(part.requests_per_second for part in parts) == pytest.approx(len(pairs))
    for side, sizes in enumerate((shape.inputs(), shape.outputs())):
        counts = [sum(c) for c in (shape.counts if side == 0 else zip(*shape.counts, strict=True))]
        tokens = sum(count * size for count, size in zip(counts, sizes, strict=True))
        assert tokens == pytest.approx(sum(min(pair[side], cut[side]) for pair in pairs), rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(some_requests, st.lists(lengths, min_size=1, max_size=20, unique=True).map(sorted))
def test_given_edges_count_exactly(pairs: list[tuple[int, int]], edges: list[int]) -> None:
    shape = histogram(tallied(pairs, edges=(edges, edges)))
    for i, in_upper in enumerate(shape.input_upper):
        for o, out_upper in enumerate(shape.output_upper):
            below = sum(
                a <= (in_upper or 10**9) and b <= (out_upper or 10**9) for a, b in pairs
            )  # cumulative, so that each cell is told apart
            assert sum(map(sum, (row[: o + 1] for row in shape.counts[: i + 1]))) == below


def test_edges_follow_the_log_where_both_requests_and_tokens_are() -> None:
    chance = random.Random(1)
    pairs = [(chance.randint(100, 200), 20) for _ in range(9000)]
    pairs += [(chance.randint(20_000, 40_000), 20) for _ in range(1000)]
    shape = histogram(tallied(pairs))
    assert shape.input_upper == [125, 160, 200, 25_000, 32_000, None]
    assert shape.output_upper == [None]
    again = histogram(tallied(list(reversed(pairs))))
    assert again == shape, "in any order"


def test_a_plan_s_buckets_have_the_edges_that_were_given() -> None:
    tally = tallied([(300, 50), (700, 150), (9000, 900)], edges=([500, 5000], [100]))
    parts = buckets(histogram(tally), 3.0)
    assert [(p.input_upper, p.output_upper) for p in parts] == [(500, 100), (5000, None), (None, None)]  # fmt: skip
    assert [(p.input_tokens, p.output_tokens) for p in parts] == [(300, 50), (700, 525), (9000, 525)]  # fmt: skip


def test_more_bins_than_a_plan_keeps_are_joined_at_their_own_edges() -> None:
    edges = list(range(300, 9000, 300))
    tally = tallied([(i, 10) for i in range(1, 9001, 50)], edges=(edges, [100]))
    uppers = {part.input_upper for part in buckets(histogram(tally), 1.0)}
    assert uppers == {300, 600, 1200, 2100, 4200, 8100, None}


def test_the_tail_is_clipped_only_when_asked_and_its_share_is_told(tmp_path: Path) -> None:
    rows = "".join(f"{i},10\n" for i in (*[100] * 98, 5000, 90_000))
    assert from_log(tmp_path, "input_tokens,output_tokens\n" + rows) == 0
    assert made(tmp_path)["input_tokens"]["max"] == 90_000
    assert "clipped" not in made(tmp_path)
    words = ("--replace", "--clip-tail", "1")
    assert from_log(tmp_path, "input_tokens,output_tokens\n" + rows, *words) == 0
    clipped = made(tmp_path)
    assert clipped["input_tokens"]["max"] == 5000
    assert clipped["n"] == 100
    assert clipped["clipped"] == {
        "input_above": 5000, "output_above": 10, "input_share": 0.01, "output_share": 0.0,
    }  # fmt: skip


def test_rates_are_of_whole_windows_idle_ones_too() -> None:
    tally = Tally(window_s=10)
    times = [5, *[12] * 3, *[25] * 8, 47, 55, 61]  # 10-60 are whole: 3, 8, 0, 1, 1
    tally.add(Request(10, 10, float(at)) for at in times)
    rates = tally.arrivals()
    assert rates is not None
    assert rates["windows"] == 5
    assert rates["mean_req_s"] == pytest.approx(15 / 56, rel=1e-5)
    assert (rates["p50_req_s"], rates["p99_req_s"], rates["peak_req_s"]) == (0.1, 0.8, 0.8)


def test_a_log_without_times_has_no_rates(tmp_path: Path) -> None:
    assert from_log(tmp_path, "prompt_tokens,completion_tokens\n10,20\n") == 0
    assert "arrivals" not in made(tmp_path)


AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n"
OPENAI = "".join(
    json.dumps({"id": "x", "created": at, "usage": {"prompt_tokens": i, "completion_tokens": o, "total_tokens": i + o}}) + "\n"
    for at, i, o in ((1700000000, 374, 44), (1700000004, 396, 109))
)  # fmt: skip
MOONCAKE = '{"timestamp": 0, "input_length": 374, "output_length": 44}\n{"timestamp": 4000, "input_length": 396, "output_length": 109}\n'


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("azure.csv", AZURE, ("--format", "azure")),
        ("azure.csv", AZURE, ()),
        ("azure.csv", AZURE.replace("\n", "\r\n"), ()),
        ("azure.csv", "\ufeff" + AZURE, ()),
        ("usage.jsonl", OPENAI, ("--format", "openai")),
        ("usage.jsonl", OPENAI, ()),
        ("mooncake.jsonl", MOONCAKE, ("--time-unit", "ms")),
        (
            "own.csv", "a,b,c\n374.0,44,1\n\n396,109,5\n",
            ("--input-column", "a", "--output-column", "b", "--time-column", "c"),
        ),
    ],
)  # fmt: skip
def test_logs_of_known_kinds_are_read(
    tmp_path: Path, name: str, text: str, words: tuple[str, ...]
) -> None:
    assert from_log(tmp_path, text, *words, name=name) == 0
    content = made(tmp_path)
    assert (content["n"], content["rows_read"]) == (2, 2)
    assert content["input_tokens"]["mean"] == 385
    assert content["output_tokens"]["max"] == 109
    assert content["arrivals"]["duration_s"] == pytest.approx(4, abs=0.4)
    assert name in content["source"]
    read_histogram(tmp_path / "stacks/workloads/made.json")


def test_a_packed_log_is_read_and_a_broken_one_told(tmp_path: Path, capsys: Any) -> None:
    packed = tmp_path / "log.csv.gz"
    packed.write_bytes(gzip.compress(AZURE.encode()))
    assert [request.input for request in Log(packed, "csv", Columns())] == [374, 396]
    packed.write_bytes(gzip.compress(AZURE.encode())[:-12])
    assert main(["workload", "from-log", str(packed)]) == 1
    assert capsys.readouterr().err.startswith("error: log log.csv.gz: ")


HEAD = "timestamp,input_tokens,output_tokens\n1,10,20\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "2,ten,20\n", "line 3: input_tokens: should be a whole number of tokens"),
        (HEAD + "2,10,-1\n", "line 3: output_tokens: should be a whole number of tokens"),
        (HEAD + "2,10,1.5\n", "line 3: output_tokens: should be a whole number"),
        (HEAD + "2,10,99999999999\n", "line 3: output_tokens: should be a whole number"),
        (HEAD + "2,nan,20\n", "line 3: input_tokens: should be a whole number"),
        (HEAD + "soon,10,20\n", "line 3: timestamp: should be a date"),
        (HEAD + "1700000000000,10,20\n", "line 3: timestamp: .* give --time-unit"),
        (HEAD + "2,10\n", "line 3: has 2 fields, the header 3"),
        ("a,b\n1,2\n", "no column of input tokens; name it with --input-column; has 'a, b'"),
        ('{"input_tokens": 1}\n', "line 1: no column of output tokens"),
        ('{"input_tokens": 1, "output_tokens": true}\n', "line 1: output_tokens: should be"),
        ('{"input_tokens": 1, "output_tokens": 2}\n{"input_tokens": 1}\n', "line 2: output_tokens: is missing"),
        ('{"input_tokens": 1,\n', "line 1: not JSON"),
        ('{"a": ' + "[" * 100_000 + "\n", "line 1: not JSON"),
        (HEAD.splitlines()[0] + "\n", "no request with input and output tokens among 0 lines"),
        (HEAD.splitlines()[0] + "\n1,10,0\n", "no request with input and output tokens among 1 lines"),
        ("", "no request with input and output tokens"),
        ("\x00\x01\x02", "no request|no column"),
    ],
)  # fmt: skip
def test_a_malformed_log_is_told_in_one_line_with_file_line_and_field(
    tmp_path: Path, capsys: Any, text: str, said: str
) -> None:
    assert from_log(tmp_path, text, name="log.csv") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: log log.csv")
    assert re.search(said, error), error
    assert error.count("\n") == 1


def test_malformed_lines_are_left_out_up_to_a_number_and_counted(
    tmp_path: Path, capsys: Any
) -> None:
    text = HEAD + "2,ten,20\n3,10,20\n4,10\n5,10,0\n"
    assert from_log(tmp_path, text, "--skip-bad", "1") == 1
    assert "line 5: has 2 fields, the header 3 (1 malformed before it)" in capsys.readouterr().err
    assert from_log(tmp_path, text, "--skip-bad", "2") == 0
    content = made(tmp_path)
    assert [content[key] for key in ("rows_read", "n", "rows_skipped_bad", "rows_dropped_zero_tokens")] == [5, 2, 2, 1]  # fmt: skip
    assert "left out: 2 malformed of 5 lines" in capsys.readouterr().out


def test_memory_does_not_grow_with_the_log() -> None:
    def peak(requests: int) -> int:
        tracemalloc.start()
        tally = Tally()
        tally.add(Request(1 + n % 5000, 1 + n % 700, n / 50) for n in range(requests))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert tally.requests == requests
        return found

    assert peak(240_000) < 1.1 * peak(60_000)


def test_a_written_workload_is_not_overwritten_by_accident(tmp_path: Path, capsys: Any) -> None:
    assert from_log(tmp_path, AZURE) == 0
    assert from_log(tmp_path, AZURE) == 1
    assert "--replace" in capsys.readouterr().err
    assert from_log(tmp_path, AZURE, "--replace") == 0
    assert read_described(tmp_path / "stacks/workloads/made.json").title == "requests of log.csv"
