"""Azure's own Python worker around one function app: `worker.py HOST PORT FOLDER` takes invocations from a socket, `worker.py
FOLDER` prints what the app's functions listen to. Runs under the runtime's interpreter, which has the worker's library.

A line of JSON each way: {"id", "function", "name", "type", "value", "metadata"} in, {"id", "ok", "error"} out.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from types import SimpleNamespace
from typing import Any

from azure_functions_runtime import functions_metadata_request, worker_init_request
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.native_invocation import run_invocation_sync
from azure_functions_runtime.utils.threadpool import start_threadpool_executor


class _Words:
    """The host protocol's messages as plain objects: nothing travels as protobuf here."""

    def __getattr__(self, name: str) -> Any:
        return _message(name)


def _message(name: str) -> Any:
    words = {word: word for word in ("Success", "Failure", "undefined", "out", "inout")}
    return type(name, (SimpleNamespace,), words)


def load(folder: str) -> list[dict[str, Any]]:
    """Import the app; its functions with the raw bindings that a host would act on."""
    sys.path.insert(0, folder)
    asked = SimpleNamespace(capabilities={}, function_app_directory=folder)
    request = SimpleNamespace(
        request=SimpleNamespace(worker_init_request=asked),
        properties={"host": "127.0.0.1", "protos": _Words()},
    )
    started = asyncio.run(worker_init_request(request))
    if started.result.status != "Success":
        sys.exit(f"the app does not load: {started.result.exception.message}")
    found = asyncio.run(functions_metadata_request(request)).function_metadata_results or []
    return [
        {
            "id": each.function_id,
            "function": each.name,
            "bindings": [json.loads(binding) for binding in each.raw_bindings],
        }
        for each in found
    ]


def serve(host: str, port: int, folder: str) -> None:
    """Say what there is, then do what is asked, several at a time."""
    connection = socket.create_connection((host, port))
    # two files: one that reads and writes forgets what it has read ahead
    lines, answers = (
        connection.makefile("r", encoding="utf-8"),
        connection.makefile("w", encoding="utf-8"),
    )
    writing = threading.Lock()
    functions = load(folder)
    known = {each["function"]: each["id"] for each in functions}
    start_threadpool_executor()

    def say(answer: Any) -> None:
        with writing:
            print(json.dumps(answer), file=answers, flush=True)

    def run(call: dict[str, Any]) -> None:
        data = Datum(call["value"], call["type"])
        metadata = {name: Datum(value, kind) for name, (kind, value) in call["metadata"].items()}
        _, ok, _, _, error, _ = run_invocation_sync(
            call["id"], known[call["function"]], [(call["name"], data)], metadata
        )
        say({"id": call["id"], "ok": ok, "error": error or ""})

    say(functions)
    for line in lines:
        threading.Thread(target=run, args=(json.loads(line),), daemon=True).start()


if __name__ == "__main__":
    if len(sys.argv) == 2:
        print(json.dumps(load(sys.argv[1])))
    else:
        serve(sys.argv[1], int(sys.argv[2]), sys.argv[3])
