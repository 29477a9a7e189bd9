"""Who works on a stack: one command at a time, and no lock of an engine that is gone."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


class InUse(Exception):
    """Somebody else works on the stack: the process and what it runs."""


@contextmanager
def held(file: Path, verb: str) -> Iterator[None]:
    """Keep other commands off; the system lets go of the file when this process ends, however it ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+") as holder:
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder.seek(0)
            raise InUse(holder.read()) from None
        holder.truncate(0)
        holder.write(f"process {os.getpid()} ({verb})")
        holder.flush()
        yield


def remove_stale(folder: Path) -> list[int]:
    """Remove the engine's locks whose processes are gone, and return these. Raises InUse if one is not."""
    gone = []
    for lock in folder.glob("*.json"):
        pid = (read_json(lock) or {}).get("pid", 0)
        engine = _engine(pid) if pid else ""
        if engine:
            raise InUse(f"process {pid} ({engine})")
        lock.unlink()
        gone.append(pid)
    return gone


def _engine(pid: int) -> str:
    """The command of a Pulumi engine that runs; empty when it is gone or its number went to another program."""
    try:
        with suppress(PermissionError):  # somebody else's, but alive
            os.kill(pid, 0)
        words = subprocess.run(
            ["ps", "-o", "args=", "-p", str(pid)], text=True, check=False, stdout=subprocess.PIPE
        ).stdout.split()
    except ProcessLookupError:
        return ""
    except FileNotFoundError:  # a system without ps does not tell what runs
        return "pulumi"
    return " ".join(words[:2]) if words and Path(words[0]).name == "pulumi" else ""


def read_json(file: Path) -> Any:
    """A JSON file's content, None where it is missing or cut short."""
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return None
