"""A machine in each cloud as its watcher meets it: metadata service and reactor on loopback, the watcher as a process."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

WATCHER = Path(__file__).resolve().parents[2] / "images/watcher/watcher.py"
PATIENCE_S = 20.0
NAMES = {
    "aws": ("arn:aws:lambda:us-east-2:1:function:reactor", "arn:aws:lambda:us-west-2:1:function:reactor"),
    "gcp": ("https://reactor-east.example/", "https://reactor-west.example/"),
    "azure": ("https://east.queue.core.windows.net/notices", "https://west.queue.core.windows.net/notices"),
}  # fmt: skip
"""Where the watchers of each cloud tell, best first."""
HOSTS = {
    "aws": ("lambda.us-east-2.amazonaws.com", "lambda.us-west-2.amazonaws.com"),
    "gcp": ("reactor-east.example", "reactor-west.example"),
    "azure": ("east.queue.core.windows.net", "west.queue.core.windows.net"),
}


@dataclass
class Call:
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def host(self) -> str:
        return self.headers["host"]

    def notice(self) -> dict[str, Any]:
        """The watcher's message in it."""
        text = self.body
        if text.startswith("<QueueMessage>"):
            text = base64.b64decode(text.split("MessageText>")[1].removesuffix("</")).decode()
        found: dict[str, Any] = json.loads(text)
        return found


@dataclass
class Machine:
    """`values`: the metadata service's answers by path, absent ones are 404; `calls`: what both services were asked;
    `answers`: by host, the reactors' statuses in turn, the last one for good."""

    cloud: str
    values: dict[str, str]
    answers: dict[str, list[int]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    version: int = 1
    ports: dict[str, str] = field(default_factory=dict)

    def set(self, path: str, value: str | None) -> None:
        """Change what the metadata service says."""
        with self.changed:
            self.values.pop(path, None)
            if value is not None:
                self.values[path] = value
            self.version += 1
            self.changed.notify_all()

    def note(self, call: Call) -> None:
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()

    def wait(self, what: Callable[[Machine], Any]) -> Any:
        """The first true value of `what`, looked for after each call."""
        with self.changed:
            assert self.changed.wait_for(lambda: what(self), PATIENCE_S), [
                c.path for c in self.calls
            ]
            return what(self)

    def told(self, count: int = 1) -> list[Call]:
        """The calls to the reactors, once there are so many."""
        return self.wait(lambda m: (found := m.posts()) if len(m.posts()) >= count else None)  # type: ignore[no-any-return]

    def posts(self) -> list[Call]:
        return [call for call in self.calls if call.method == "POST"]

    def asked(self, path: str, times: int = 1) -> None:
        """Wait until a path was asked for so often."""
        self.wait(lambda m: sum(call.path.startswith(path) for call in m.calls) >= times)


class _Handler(BaseHTTPRequestHandler):
    machine: ClassVar[Machine]
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def reply(self, status: int, text: str = "", **headers: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def call(self) -> Call:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, self.path, headers, body)
        self.machine.note(call)
        return call


class _Metadata(_Handler):
    """Answers only who comes with the cloud's header, and never through a proxy."""

    def do_PUT(self) -> None:
        ok = self.call().headers.get("x-aws-ec2-metadata-token-ttl-seconds") == "21600"
        self.reply(200 if ok else 400, "session")

    def do_GET(self) -> None:
        call = self.call()
        wanted = {"aws": ("x-aws-ec2-metadata-token", "session"), "gcp": ("metadata-flavor", "Google"),
                  "azure": ("metadata", "true")}[self.machine.cloud]  # fmt: skip
        if call.headers.get(wanted[0]) != wanted[1] or "x-forwarded-for" in call.headers:
            return self.reply(403)
        query = parse_qs(urlsplit(call.path).query)
        with self.machine.changed:
            if "wait_for_change" in query:
                last = query["last_etag"][0]
                self.machine.changed.wait_for(lambda: str(self.machine.version) != last, PATIENCE_S)
            etag, value = str(self.machine.version), self.machine.values.get(_key(call.path))
        return self.reply(200, value, ETag=etag) if value is not None else self.reply(404)


def _key(path: str) -> str:
    """A path as tests name it: without what is the same in every question."""
    return path.split("?")[0]


class _Reactor(_Handler):
    def do_POST(self) -> None:
        call = self.call()
        left = self.machine.answers.get(call.host, [202])
        self.reply(left[0] if len(left) == 1 else left.pop(0), "said so")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A watcher that ends leaves its call."""


@contextmanager
def serving(machine: Machine) -> Iterator[Machine]:
    """Serve both faces; `machine.ports` has their base URLs."""
    servers = []
    for name, face in (("metadata", _Metadata), ("reactor", _Reactor)):
        handler = type(face.__name__, (face,), {"machine": machine})
        server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        machine.ports[name] = f"http://127.0.0.1:{server.server_port}"
        servers.append(server)
    try:
        yield machine
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


@contextmanager
def watched(machine: Machine, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Run the watcher on the machine; it ends with the context."""
    process = subprocess.Popen(
        [sys.executable, str(WATCHER)],
        stdout=subprocess.PIPE,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "HTTP_PROXY": "http://127.0.0.1:9",
            "SKYBLEND_CLOUD": machine.cloud,
            "SKYBLEND_POOL": "pool",
            "SKYBLEND_NOTICE_URL": ",".join(NAMES[machine.cloud]),
            "SKYBLEND_NOTICE_VIA": machine.ports["reactor"],
            "SKYBLEND_POLL_S": "0.1",
            "SKYBLEND_METADATA": machine.ports["metadata"],
        }
        | env,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def jwt(audience: str, ends: float) -> str:
    claims = json.dumps({"aud": audience, "exp": int(ends)}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.sig"


def quiet(cloud: str, life_s: float = 36_000) -> Machine:
    """A machine that nobody wants yet; its credential lasts so long."""
    ends = time.time() + life_s
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
    role = "/latest/meta-data/iam/security-credentials/"
    keys = {"AccessKeyId": "AKID", "SecretAccessKey": "secret", "Token": "session-token", "Expiration": stamp}  # fmt: skip
    tree = "/computeMetadata/v1/instance"
    values = {
        "aws": {
            "/latest/dynamic/instance-identity/document": json.dumps({"instanceId": "i-0abc", "region": "us-east-2"}),
            role: "node-role",
            f"{role}node-role": json.dumps(keys),
        },
        "gcp": {
            f"{tree}/zone": "projects/1/zones/us-central1-a",
            f"{tree}/id": "4711",
            f"{tree}/preempted": "FALSE",
            f"{tree}/service-accounts/default/identity": jwt("any", ends),
        },
        "azure": {
            "/metadata/instance/compute": json.dumps({"name": "Nodes_1a2b", "location": "eastus"}),
            "/metadata/identity/oauth2/token": json.dumps({"access_token": "bearer", "expires_on": str(int(ends))}),
            "/metadata/scheduledevents": json.dumps({"DocumentIncarnation": 1, "Events": []}),
        },
    }[cloud]  # fmt: skip
    return Machine(cloud, values)


def preempt(machine: Machine) -> None:
    """The cloud says that it takes the machine."""
    if machine.cloud == "aws":
        machine.set("/latest/meta-data/spot/instance-action", json.dumps({"action": "terminate", "time": "2126-11-22T06:30:00Z"}))  # fmt: skip
    elif machine.cloud == "gcp":
        machine.set("/computeMetadata/v1/instance/preempted", "TRUE")
    else:
        scheduled(machine, Resources=["nodes_1A2B"])


def scheduled(machine: Machine, **event: Any) -> None:
    """An Azure scheduled event, a preemption of nobody unless told."""
    usual = {"EventId": "A1", "EventType": "Preempt", "ResourceType": "VirtualMachine", "Resources": [],
             "EventStatus": "Scheduled", "NotBefore": "Fri, 22 Nov 2126 06:30:00 GMT", "EventSource": "Platform"}  # fmt: skip
    document = {"DocumentIncarnation": 2, "Events": [usual | event]}
    machine.set("/metadata/scheduledevents", json.dumps(document))
