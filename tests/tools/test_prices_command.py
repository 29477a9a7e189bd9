"""Price tables that cannot be read are one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import prices

BANDS = "region,instance_type,band_index\n"


@pytest.mark.parametrize(
    ("bands", "said"),
    [
        (None, "No such file or directory: '{folder}/aws_interruption.csv'"),
        ("region,band_index\nus-east-1,0\n", "no column 'instance_type'"),
        (BANDS + "us-east-1,g6.xlarge,often\n", "'often'"),
    ],
)
def test_tables_that_cannot_be_read_are_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bands: str | None, said: str
) -> None:
    if bands:
        (tmp_path / "aws_interruption.csv").write_text(bands)
    out = tmp_path / "made.json"
    words = ["prices", "build", "--from", str(tmp_path), "--out", str(out)]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as ended:
        prices.main()
    told = str(ended.value)
    assert told.startswith(f"error: price tables in {tmp_path}: ")
    assert said.format(folder=tmp_path) in told
    assert "\n" not in told
    assert not out.exists()
