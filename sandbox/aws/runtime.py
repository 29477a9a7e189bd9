"""Lambda's runtime: a function's process under awslambdaric, which asks the Runtime API for one event after another."""

from __future__ import annotations

import json
import queue
import subprocess
import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import objects
from sandbox.aws.functions import PACKAGES
from sandbox.aws.identity import session
from sandbox.aws.wire.signature import Credentials
from sandbox.clouds import endpoint
from sandbox.fields import Json, get
from sandbox.functions import Command, Died, Outcome, Runner, interpreter
from sandbox.http import Dead, Reply, Request, listening
from sandbox.kind import Context
from sandbox.world import Record

_API = "/2018-06-01/runtime"
_MOST = 10


@dataclass(slots=True)
class _Invocation:
    """An event for the process, and the place for its answer."""

    payload: bytes
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    outcome: queue.SimpleQueue[Outcome | None] = field(default_factory=queue.SimpleQueue)


class LambdaRunner(Runner):
    """One process of a function; its Runtime API has a port of its own."""

    def __init__(self, ctx: Context, function: Record) -> None:
        body = function.body
        stored = objects.read(ctx.world, ctx.cloud, PACKAGES, function.id)
        self.package = stored.body if stored else b""
        self.timeout_s = float(body.get("Timeout", 3))
        reserved = get(body, "PutFunctionConcurrency.ReservedConcurrentExecutions")
        self.processes = _MOST if reserved is None else reserved
        self.log = get(body, "LoggingConfig.LogGroup") or f"/aws/lambda/{function.name}"
        self._ctx, self._function = ctx, function
        self._waiting: queue.SimpleQueue[_Invocation | None] = queue.SimpleQueue()
        self._running: _Invocation | None = None
        self._over = False
        self._open = ExitStack()

    def command(self, folder: Path) -> Command:
        url = self._open.enter_context(listening(self._answer, self._ctx.world.clock))
        handler = self._function.body["Handler"]
        argv = (interpreter("aws"), "-m", "awslambdaric", handler)
        cloud = endpoint(self._ctx.world, self._ctx.cloud)
        overrides = {"AWS_ENDPOINT_URL": cloud} if cloud else {}
        return Command(argv, self._environment(folder, url.removeprefix("http://")), overrides)

    def started(self, process: subprocess.Popen[bytes]) -> None:
        """The process asks for its first event when it is ready; the event may wait for it."""

    def invoke(self, payload: Json, attempt: int) -> Outcome:
        invocation = _Invocation(json.dumps(payload).encode())
        self._running = invocation
        self._waiting.put(invocation)
        if self._over:
            raise Died
        outcome = invocation.outcome.get()
        if outcome is None:
            raise Died
        return outcome

    def ended(self) -> None:
        self._over = True
        self._waiting.put(None)
        if self._running:
            self._running.outcome.put(None)
        self._open.close()

    def _answer(self, request: Request) -> Reply:
        if request.path == f"{_API}/invocation/next":
            return self._next()
        running, step = self._running, request.path.rsplit("/", 1)[-1]
        if running and request.path == f"{_API}/invocation/{running.id}/{step}":
            running.outcome.put(_outcome(step, request))
        return Reply.of({"status": "OK"}, 202)

    def _next(self) -> Reply:
        """Blocks until there is an event."""
        invocation = self._waiting.get()
        if invocation is None:
            raise Dead
        deadline_ms = int((time.time() + self.timeout_s) * 1000)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self._function.live["arn"],
        }
        return Reply(200, invocation.payload, headers)

    def _environment(self, folder: Path, api: str) -> Mapping[str, str]:
        """What Lambda sets, and what the function's own configuration adds to it."""
        function, region = self._function, self._function.region
        role = function.body["Role"].rsplit("/", 1)[-1]
        known = Credentials.of(self._ctx.world, session(self._ctx, role, function.name))
        variables: dict[str, Any] = get(function.body, "Environment.Variables") or {}
        return {
            **variables,
            "AWS_ACCESS_KEY_ID": known.key_id,
            "AWS_SECRET_ACCESS_KEY": known.secret,
            "AWS_SESSION_TOKEN": known.token,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.body['Runtime']}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.body.get("MemorySize", 128)),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": self.log,
            "AWS_LAMBDA_LOG_STREAM_NAME": f"[$LATEST]{uuid.uuid4().hex}",
            "AWS_LAMBDA_RUNTIME_API": api,
            "LAMBDA_TASK_ROOT": str(folder),
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TZ": ":UTC",
            "_HANDLER": function.body["Handler"],
        }


def _outcome(step: str, request: Request) -> Outcome:
    """What a function returned, or why it failed."""
    told = json.loads(request.body or b"null")
    if step == "response":
        return Outcome(ok=True, value=told)
    return Outcome(ok=False, error=f"{told.get('errorType')}: {told.get('errorMessage')}")
