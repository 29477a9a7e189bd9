"""Files that a program hands to a resource (assets and archives), as the engine writes them into inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.refusal import Refusal

SIGNATURE = "4dabf18193072939515e22adb298388d"
_KINDS = ("c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7")


def is_asset(value: Any) -> bool:
    """Whether an input is a file."""
    return isinstance(value, dict) and value.get(SIGNATURE) in _KINDS


def content(asset: dict[str, Any]) -> bytes:
    """The bytes: of a text, or of a file that is there, such as a finished zip. Raises Refusal for anything else."""
    if isinstance(asset.get("text"), str):
        return str(asset["text"]).encode()
    path = asset.get("path")
    if not isinstance(path, str) or not Path(path).is_file():
        raise Refusal("NotEmulated", f"only files and texts can be uploaded, not {path or asset}")
    return Path(path).read_bytes()


def comparable(value: Any) -> Any:
    """The value with every file replaced by its digest: where it lay does not matter."""
    if is_asset(value):
        return {SIGNATURE: value[SIGNATURE], "hash": value.get("hash", value.get("text"))}
    if isinstance(value, dict):
        return {name: comparable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return value
