"""What the verbs refuse before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import stack


@pytest.mark.parametrize("verb", ["destroy", "refresh", "leftovers"])
def test_a_verb_that_reads_no_values_refuses_them(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stack.main([verb, "--set", "workload.requests_per_second=128"]) == 1
    assert capsys.readouterr().err == f"error: {verb} takes no SET; up and preview do\n"


@pytest.mark.parametrize("content", [b"config: 5", b"5", b"[1]", b"\xff\xfe\x00", b"config: {a"])
def test_a_stack_file_that_is_none_is_one_line(
    content: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.odd.yaml").write_bytes(content)
    monkeypatch.setattr(stack, "ROOT", tmp_path)
    assert stack.main(["up", "--stack", "odd"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert "Pulumi.odd.yaml" in told
    assert told.count("\n") == 1
