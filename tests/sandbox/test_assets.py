"""Files in inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import rpc

from sandbox.assets import SIGNATURE, comparable, content, is_asset
from sandbox.refusal import Refusal


def sent(**fields: Any) -> dict[str, Any]:
    return {SIGNATURE: "0def7320c3a5731c473e5ecbe6d01bc7", "hash": "12ab", **fields}


def test_the_signatures_are_those_of_the_engines_sdk() -> None:
    assert rpc._special_sig_key == SIGNATURE
    for kind in (rpc._special_asset_sig, rpc._special_archive_sig):
        assert is_asset({SIGNATURE: kind, "path": "a"})
    assert not is_asset({SIGNATURE: rpc._special_secret_sig})


def test_a_file_and_a_text_are_their_bytes(tmp_path: Path) -> None:
    file = tmp_path / "code.zip"
    file.write_bytes(b"PK")
    assert content(sent(path=str(file))) == b"PK"
    assert content(sent(text="hello")) == b"hello"


@pytest.mark.parametrize("fields", [{"path": "/nowhere/code.zip"}, {"assets": {}}, {"uri": "x"}])
def test_what_is_no_file_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="NotEmulated"):
        content(sent(**fields))


def test_a_file_in_another_place_with_the_same_bytes_is_no_change() -> None:
    here, there = {"code": sent(path="/a.zip")}, {"code": sent(path="/b.zip")}
    assert comparable(here) == comparable(there)
    assert comparable(here) != comparable({"code": sent(path="/a.zip", hash="34cd")})
    assert comparable({"a": [sent(path="/a.zip")]}) == comparable({"a": [sent(path="/b.zip")]})
