"""Functions: the package that was uploaded, in processes of its own, with only the environment that its cloud gives.

Each cloud starts a function under its vendor's own runtime client; its RUNNER says how. Processes start when an event
is there, stay warm, are killed when an event takes too long, and are replaced when they died.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import faults, logs
from sandbox.clouds import context_of, part
from sandbox.fields import Json
from sandbox.world import Record, World

ROOT = Path(__file__).resolve().parent.parent
_NO_PROXY = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
RUNTIMES = Path(os.environ.get("SANDBOX_RUNTIMES", ROOT / "build/runtimes"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an invocation; `value` is what the function returned, as its Runner understands it."""

    ok: bool
    value: Any = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """How a process is started: nothing of our own environment is passed on.

    `env`: what the cloud sets. `overrides`: the variables that lead the process to loopback, which no cloud sets.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    overrides: Mapping[str, str] = field(default_factory=dict)


class Died(Exception):
    """The process ended before it answered."""


class Runner(ABC):
    """One process of a function under its cloud's runtime client; made anew for each process.

    `package`: the zip that was uploaded. `timeout_s`: of one invocation, the start of a cold process included, in real
    seconds. `concurrency`: invocations at a time in one process; `processes`: at most. `log`: name of its log.
    """

    package: bytes
    timeout_s: float = 60.0
    concurrency: int = 1
    processes: int = 10
    log: str = ""

    @abstractmethod
    def command(self, folder: Path) -> Command:
        """How to start it; `folder` holds the unpacked package and is its working directory."""

    def started(self, process: subprocess.Popen[bytes]) -> None:
        """Block until the process takes events; called once, before the first. Raises Died."""

    @abstractmethod
    def invoke(self, payload: Json, attempt: int) -> Outcome:
        """Block until it answered; `attempt` counts from 1. Raises Died."""

    def ended(self) -> None:
        """The process is gone: free what was held for it, and let a waiting `invoke` raise Died."""


def interpreter(cloud: str) -> str:
    """The Python of a cloud's runtime."""
    return str(RUNTIMES / cloud / "bin/python")


@dataclass(slots=True)
class _Process:
    runner: Runner
    version: str
    process: subprocess.Popen[bytes]
    busy: int = 0
    gone: bool = False
    late: bool = False
    ready: threading.Lock = field(default_factory=threading.Lock)
    is_ready: bool = False

    def time_out(self) -> None:
        """An invocation took too long."""
        self.late = True
        self.kill()

    def kill(self) -> None:
        """End it with all that it started."""
        if self.process.poll() is None:
            self.kill_group()

    def kill_group(self) -> None:
        """End what it started and itself, if it is still there."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Functions:
    """All processes of all functions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._change = threading.Condition()
        self._processes: dict[tuple[str, str, str], list[_Process]] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="functions-"))
        self.closed = False

    def invoke(self, function: Record, payload: Json, attempt: int = 1) -> Outcome:
        """Run a function on an event and wait for what comes of it. Do not hold the world meanwhile."""
        if self.closed or faults.dead_function(self._world, function):
            return Outcome(ok=False, error="the function does not start")
        process = self._take(function)
        timer = threading.Timer(process.runner.timeout_s, process.time_out)
        timer.daemon = True
        timer.start()
        try:
            with process.ready:
                if not process.is_ready:
                    process.runner.started(process.process)
                    process.is_ready = True
            return process.runner.invoke(payload, attempt)
        except Died:
            status = process.process.wait()
            late = f"timed out after {process.runner.timeout_s:g} s"
            why = late if process.late else f"exited with status {status}"
            logs.write(self._world, function.cloud, process.runner.log, f"sandbox: {why}")
            return Outcome(ok=False, error=why)
        finally:
            timer.cancel()
            with self._change:
                process.busy -= 1
                self._change.notify_all()

    def room(self, function: Record) -> int:
        """How many invocations it takes at a time."""
        with self._change:
            running = self._alive(function)
        return running[0].runner.concurrency * running[0].runner.processes if running else 1

    def running(self) -> int:
        """Invocations under way."""
        with self._change:
            return sum(p.busy for running in self._processes.values() for p in running)

    def kill(self, cloud: str) -> None:
        """Kill all processes of a cloud's functions, whatever they are doing."""
        with self._change:
            killed = [
                p for key, running in self._processes.items() if key[0] == cloud for p in running
            ]
        for process in killed:
            process.kill()

    def close(self) -> None:
        """End everything."""
        with self._change:
            self.closed = True
            left = [p for running in self._processes.values() for p in running]
        for process in left:
            process.kill()
        for process in left:
            process.process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    # -- processes ------------------------------------------------------------------------------------------------

    def _alive(self, function: Record) -> list[_Process]:
        key = (function.cloud, function.kind, function.id)
        known = self._processes.get(key, [])
        running = [p for p in known if not p.gone and p.process.poll() is None]
        self._processes[key] = running
        return running

    def _take(self, function: Record) -> _Process:
        """A process with room for one more, started if need be; older versions of the function end when idle."""
        version = hashlib.sha256(json.dumps(function.body, sort_keys=True).encode()).hexdigest()
        with self._change:
            while True:
                running = self._alive(function)
                for old in running:
                    if old.version != version and not old.busy:
                        old.kill()
                        old.gone = True
                current = [p for p in running if p.version == version and not p.gone]
                for process in current:
                    if process.busy < process.runner.concurrency:
                        break
                else:
                    if current and len(current) >= current[0].runner.processes:
                        self._change.wait()
                        continue
                    process = self._start(function, version)
                    self._processes[function.cloud, function.kind, function.id].append(process)
                process.busy += 1
                return process

    def _start(self, function: Record, version: str) -> _Process:
        runner: Runner = part(function.cloud, "RUNNER")(context_of(self._world, function), function)
        folder = self._unpacked(runner.package)
        command = runner.command(folder)
        env = {**command.env, **_NO_PROXY, **self._proxy(), **command.overrides}
        process = subprocess.Popen(
            command.argv, env=env, cwd=folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        started = _Process(runner, version, process)
        threading.Thread(target=self._listen, args=(function.cloud, started), daemon=True).start()
        threading.Thread(target=self._watch, args=(started,), daemon=True).start()
        return started

    def _proxy(self) -> dict[str, str]:
        """What lies outside its cloud a function reaches through the emulated Internet."""
        url = self._world.setting("endpoint/internet", "")
        return {"http_proxy": url, "https_proxy": url} if url else {}

    def _listen(self, cloud: str, process: _Process) -> None:
        """Keep what it prints."""
        for line in process.process.stdout or ():
            said = line.decode(errors="replace").rstrip("\n")
            logs.write(self._world, cloud, process.runner.log, said)

    def _watch(self, process: _Process) -> None:
        """When it ends, end what it has left behind and let everybody know."""
        process.process.wait()
        process.kill_group()
        process.runner.ended()
        with self._change:
            process.gone = True
            self._change.notify_all()

    def _unpacked(self, package: bytes) -> Path:
        folder = self._folder / hashlib.sha256(package).hexdigest()[:16]
        if not folder.exists():
            with zipfile.ZipFile(io.BytesIO(package)) as archive:
                archive.extractall(folder)
        return folder
