"""Wall time and largest process of the program's verbs, once installed: `make bench`.

Each row is one cold process as a user starts it. `preview` and `up` run through the real engine on the emulated
clouds, in a state of their own; memory is the peak of the largest single process under the verb.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOALS_S = {"plan": 1, "preview": 10, "up": 60, "preview, no change": 10, "destroy": None}


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds and MiB of one run; its output is shown only when it fails."""
    started = time.monotonic()
    pid = os.posix_spawnp(
        command[0], command, os.environ | {"SKYBLEND_STATE": str(folder)},
        file_actions=[(os.POSIX_SPAWN_OPEN, fd, str(folder / "log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
                      for fd in (1, 2)],
    )  # fmt: skip
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit((folder / "log").read_text() + f"\nerror: {' '.join(command)} failed")
    return time.monotonic() - started, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--stack", default="sandbox")
    stack = parser.parse_args().stack
    python = sys.executable
    allocator = [python, "-m", "allocator", "plan", "--stack", stack]
    driver = [python, "-m", "tools.stack"]
    verbs = [
        ("plan", allocator),
        ("preview", [*driver, "preview", "--stack", stack]),
        ("up", [*driver, "up", "--stack", stack]),
        ("preview, no change", [*driver, "preview", "--stack", stack]),
        ("destroy", [*driver, "destroy", "--stack", stack]),
    ]
    folder = Path(tempfile.mkdtemp(prefix="skyblend-bench-"))
    print(
        f"stack {stack}, {os.cpu_count()} cores\n{'verb':<20}{'seconds':>9}{'goal s':>8}{'MiB, largest process':>22}"
    )
    try:
        measure(allocator, folder)  # warm the page cache
        for name, command in verbs:
            seconds, mebibytes = measure(command, folder)
            print(
                f"{name:<20}{seconds:>9.2f}{GOALS_S[name] or '':>8}{mebibytes:>22.0f}", flush=True
            )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
