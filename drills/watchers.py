"""What every emulated machine runs: the watcher that its user data installs, as a real process against its own metadata service."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from drills.scene import Scene, machines
from sandbox.clouds import context_of, endpoint, part
from sandbox.machines import RUNNING
from sandbox.server import Running
from sandbox.world import Record

_SCRIPT, _SETTINGS = "watcher.py", "watcher.env"
_METADATA, _VIA = "SKYBLEND_METADATA", "SKYBLEND_NOTICE_VIA"
"""The variables that lead a watcher to the emulated cloud: its metadata service, and where notices are taken."""


class Watchers:
    """One process per running machine that has a watcher in its user data; they end when their machine does."""

    def __init__(self, clouds: Running, scene: Scene) -> None:
        self._clouds, self._scene = clouds, scene
        self._folder = tempfile.TemporaryDirectory(prefix="watchers-")
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def keep_up(self) -> None:
        """Start a watcher for every machine that has begun to run, and end those whose machine is gone."""
        alive: dict[str, Record] = {}
        for group in self._scene.groups:
            if group.role == "spot":
                alive |= {m.id: m for m in machines(self._clouds.world, group)}
        for gone in self._processes.keys() - alive.keys():
            _end(self._processes.pop(gone))
        for machine_id, machine in alive.items():
            if machine_id not in self._processes and machine.body["state"] == RUNNING:
                self._start(machine)

    def close(self) -> None:
        """End all of them."""
        for process in self._processes.values():
            _end(process)
        self._folder.cleanup()

    def _start(self, machine: Record) -> None:
        text = part(machine.cloud, "USER_DATA")(context_of(self._clouds.world, machine), machine)
        files = {
            Path(f["path"]).name: f["content"] for f in yaml.safe_load(text).get("write_files", ())
        }
        if _SCRIPT not in files:
            return
        script = Path(self._folder.name) / f"{machine.id.replace('/', '-')[-60:]}.py"
        script.write_text(files[_SCRIPT])
        settings = dict(
            line.split("=", 1)
            for line in shlex.split(files.get(_SETTINGS, ""), comments=True)
            if "=" in line
        )
        world = self._clouds.world
        env = settings | {
            "PATH": os.environ["PATH"],
            "NO_PROXY": "127.0.0.1",
            "SKYBLEND_DRAIN": "",  # there is no engine behind it
            "SSL_CERT_FILE": world.setting("endpoint/ca", ""),
            _METADATA: self._clouds.metadata.url(machine),
            _VIA: endpoint(world, machine.cloud),
        }
        self._processes[machine.id] = subprocess.Popen(
            [sys.executable, "-I", str(script)], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
