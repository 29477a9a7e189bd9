"""Runs a function app's package under Azure's own Python worker, in a process with the environment that Azure gives."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox import callers, tls
from sandbox.azure import triggers
from sandbox.clouds import endpoint
from sandbox.fields import Json
from sandbox.functions import Command, Died, Outcome, Runner, interpreter
from sandbox.kind import Context
from sandbox.world import Record

_ACCEPT_S = 30.0
_REFERENCE = re.compile(r"@Microsoft\.KeyVault\(SecretUri=(.+)\)")


class AzureRunner(Runner):
    """One worker process; its answers come back over a socket, in any order."""

    concurrency = 16
    processes = 4

    def __init__(self, ctx: Context, app: Record) -> None:
        self._ctx, self._app = ctx, app
        self.package = triggers.package_of(ctx, app)
        host = triggers.host_json(self.package) if self.package else {}
        hours, minutes, seconds = (int(p) for p in host.get("functionTimeout", "00:30:00").split(":"))  # fmt: skip
        self.timeout_s = float(hours * 3600 + minutes * 60 + seconds)
        self.log = app.name
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(_ACCEPT_S)
        self._answers: Any = None
        self._calls: Any = None
        self._arguments: dict[str, str] = {}
        self._waiting: dict[str, Callable[[Json], None]] = {}
        self._writing = threading.Lock()
        self._gone = threading.Event()

    def command(self, folder: Path) -> Command:
        port = str(self._server.getsockname()[1])
        base = endpoint(self._ctx.world, "azure")
        secret = callers.issue(self._ctx.world, "azure", f"app {self._app.id}")
        given = {
            "FUNCTIONS_EXTENSION_VERSION": "~4",
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "IDENTITY_ENDPOINT": f"{base}/msi/token",
            "IDENTITY_HEADER": secret,
            "REGION_NAME": self._app.region,
            "WEBSITE_INSTANCE_ID": "0",
            "WEBSITE_SITE_NAME": self._app.name,
        }
        overrides = {
            "AZURE_RESOURCE_MANAGER_ENDPOINT": base,
            "AZURE_STORAGE_ENDPOINT": base,
            "SSL_CERT_FILE": str(tls.authority(self._ctx.world.folder / "tls")),
        }
        worker = (interpreter("azure"), "-P", str(triggers.WORKER), "127.0.0.1", port, str(folder))
        return Command(worker, {**self._settings(), **given}, overrides)

    def _settings(self) -> dict[str, str]:
        """The app's settings, references to a vault's secrets resolved: a secret is a setting `secret/azure/URI`."""
        known = triggers.settings_of(self._app)
        for name, value in known.items():
            if reference := _REFERENCE.fullmatch(value):
                known[name] = self._ctx.world.setting(f"secret/azure/{reference[1]}", value)
        return known

    def started(self, process: subprocess.Popen[bytes]) -> None:
        try:
            connection, _ = self._server.accept()
        except OSError as error:
            raise Died from error
        self._answers = connection.makefile("r", encoding="utf-8")
        self._calls = connection.makefile("w", encoding="utf-8")
        functions = self._answers.readline()
        if not functions:
            raise Died
        self._arguments = {
            each["function"]: binding["name"]
            for each in json.loads(functions)
            for binding in each["bindings"]
            if binding["type"].endswith("Trigger")
        }
        threading.Thread(target=self._listen, daemon=True).start()

    def invoke(self, payload: Json, attempt: int) -> Outcome:
        answers: list[Json] = []
        answered = threading.Event()
        number = f"{id(answers):x}-{attempt}"

        def take(answer: Json) -> None:
            answers.append(answer)
            answered.set()

        with self._writing:
            self._waiting[number] = take
            try:
                print(
                    json.dumps(self._call(number, payload, attempt)), file=self._calls, flush=True
                )
            except OSError as error:
                raise Died from error
        while not answered.wait(0.05):
            if self._gone.is_set():
                raise Died
        return Outcome(ok=answers[0]["ok"], error=answers[0]["error"])

    def ended(self) -> None:
        self._gone.set()
        with suppress(OSError):
            self._server.shutdown(
                socket.SHUT_RDWR
            )  # wakes who waits for a worker that died while it started
        self._server.close()

    def _call(self, number: str, payload: Json, attempt: int) -> Json:
        """An invocation as the host would send it."""
        now = self._ctx.world.clock.iso()
        call = {"id": number, "function": payload["function"], "name": self._arguments.get(payload["function"], "")}  # fmt: skip
        if payload["trigger"] == "timerTrigger":
            status = {"Last": now, "Next": now, "LastUpdated": now}
            timer = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": False}  # fmt: skip
            return call | {"type": "json", "value": json.dumps(timer), "metadata": {}}
        metadata = {
            "Id": ("string", number),
            "DequeueCount": ("json", str(attempt)),
            "InsertionTime": ("json", json.dumps(now)),
            "ExpirationTime": ("json", json.dumps(now)),
            "NextVisibleTime": ("json", json.dumps(now)),
            "PopReceipt": ("string", number),
        }
        return call | {"type": "string", "value": payload["text"], "metadata": metadata}

    def _listen(self) -> None:
        try:
            for line in self._answers:
                answer = json.loads(line)
                self._waiting.pop(answer["id"])(answer)
        except (OSError, ValueError):
            return


def runner(ctx: Context, app: Record) -> Runner:
    """See `sandbox.clouds`."""
    return AzureRunner(ctx, app)
