"""Cloud Run's Python runtime: a function's process under functions-framework, called over HTTP on a port of its own."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from sandbox.clouds import endpoint
from sandbox.fields import Json, get
from sandbox.functions import Command, Died, Outcome, Runner, interpreter
from sandbox.gcp.functions import package_of
from sandbox.gcp.metadata import function_page
from sandbox.gcp.permissions import allowed
from sandbox.gcp.rest import text_at
from sandbox.http import Reply, Request, listening
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record

_LOOK_S = 0.02
_FAILURE = 500


class FrameworkRunner(Runner):
    """One instance of a function; its metadata server has a port of its own."""

    def __init__(self, ctx: Context, function: Record) -> None:
        service: Json = function.body.get("serviceConfig", {})
        self.package = package_of(ctx, function)
        self.timeout_s = float(service.get("timeoutSeconds", 60))
        self.concurrency = int(service.get("maxInstanceRequestConcurrency", 1))
        self.processes = int(service.get("maxInstanceCount", 100))
        self.log = function.name
        self._ctx, self._function, self._service = ctx, function, service
        self._account = str(service.get("serviceAccountEmail", ""))
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._open = ExitStack()

    def command(self, folder: Path) -> Command:
        url = self._open.enter_context(listening(self._metadata, self._ctx.world.clock))
        target = text_at(self._function.body, "buildConfig.entryPoint")
        argv = (
            *(interpreter("gcp"), "-m", "functions_framework", "--target", target),
            *("--signature-type", "http", "--host", "127.0.0.1", "--port", str(self._port)),
        )
        here = url.removeprefix("http://")
        cloud = endpoint(self._ctx.world, self._ctx.cloud)
        overrides = {
            "GCE_METADATA_HOST": here,
            "GCE_METADATA_IP": here,
            "GOOGLE_COMPUTE_CUSTOM_ENDPOINT": f"{cloud}/compute/v1/",
            "STORAGE_EMULATOR_HOST": cloud,
        }
        return Command(argv, self._environment(target), overrides if cloud else {})

    def started(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(_LOOK_S)
        raise Died

    def invoke(self, payload: Json, attempt: int) -> Outcome:
        """Any status of 200 to 299 acknowledges; `value` is the status."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        try:
            connection.request("POST", "/", payload["body"].encode(), payload["headers"])
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException):
            raise Died from None
        finally:
            connection.close()
        if reply.status < 300:
            return Outcome(ok=True, value=reply.status)
        return Outcome(ok=False, value=reply.status, error=f"HTTP {reply.status}")

    def ended(self) -> None:
        self._open.close()

    def _metadata(self, request: Request) -> Reply:
        return function_page(self._ctx, self._account, request)

    def _environment(self, target: str) -> dict[str, str]:
        """What Cloud Run sets, and what the function's own configuration adds to it."""
        name = self._function.name
        return {
            **self._service.get("environmentVariables", {}),
            **self._secrets(),
            "FUNCTION_SIGNATURE_TYPE": "http",
            "FUNCTION_TARGET": target,
            "K_CONFIGURATION": name,
            "K_REVISION": f"{name}-00001-abc",
            "K_SERVICE": name,
            "LOG_EXECUTION_ID": "true",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PORT": str(self._port),
            "PYTHONUNBUFFERED": "1",
        }

    def _secrets(self) -> dict[str, str]:
        """Secrets by reference, read as the function's account when an instance starts."""
        member = f"serviceAccount:{self._account}"
        values = {}
        for wanted in get(self._service, "secretEnvironmentVariables") or ():
            name = wanted["secret"]
            if not allowed(self._ctx, member, "secretmanager.versions.access", name):
                raise Refusal("PermissionDenied", f"{member} may not access the secret {name}")
            values[wanted["key"]] = self._ctx.world.setting(f"secret/gcp/{name}", "")
        return values


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
