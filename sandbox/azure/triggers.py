"""What a function app listens to: read out of its package once by the runtime itself, as a deployment does."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox import logs
from sandbox.azure.blobs import read_blob
from sandbox.fields import Json, get
from sandbox.functions import interpreter
from sandbox.kind import Context
from sandbox.world import Record

WORKER = Path(__file__).with_name("worker.py")
PACKAGE = "released-package.zip"
_INDEX_S = 60
_DAY = timedelta(days=1)


def settings_of(app: Record) -> dict[str, str]:
    """An app's settings."""
    listed = get(app.body, "properties.siteConfig.appSettings") or []
    return {str(each["name"]): str(each.get("value", "")) for each in listed}


def package_of(ctx: Context, app: Record) -> bytes:
    """The zip in the app's deployment container; empty where there is none."""
    url = get(app.body, "properties.functionAppConfig.deployment.storage.value") or ""
    host, _, container = str(url).removeprefix("https://").partition("/")
    blob = read_blob(ctx.world, host.split(".")[0], container, PACKAGE)
    return blob.body if blob else b""


def host_json(package: bytes) -> Json:
    """The settings of the host."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        found: Json = json.loads(archive.read("host.json"))
    return found


def of_kind(ctx: Context, app: Record, kind: str) -> list[Json]:
    """The bindings of one kind, such as queueTrigger, each with the `function` that it calls."""
    return [
        {**binding, "function": each["function"]}
        for each in _functions(ctx, app)
        for binding in each["bindings"]
        if binding["type"] == kind
    ]


def _functions(ctx: Context, app: Record) -> list[Json]:
    package = package_of(ctx, app)
    if not package:
        return []
    name = f"azure/functions/{hashlib.sha256(package).hexdigest()}"
    known = ctx.world.setting(name, "")
    if not known:
        known = _indexed(ctx, app, package)
        ctx.world.set_setting(name, known)
    found: list[Json] = json.loads(known)
    return found


def _indexed(ctx: Context, app: Record, package: bytes) -> str:
    """JSON of the functions; an app that does not load has none, and its log says why."""
    with tempfile.TemporaryDirectory(prefix="app-") as folder:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            archive.extractall(folder)
        done = subprocess.run(
            [interpreter("azure"), "-P", str(WORKER), folder],
            env=settings_of(app),
            capture_output=True,
            text=True,
            timeout=_INDEX_S,
            check=False,
        )
    if done.returncode:
        logs.write(ctx.world, ctx.cloud, app.name, f"sandbox: {done.stderr.strip()[-300:]}")
        return "[]"
    return done.stdout


def next_time(schedule: str, now: float) -> float:
    """When a schedule of six fields (second, minute, hour, day, month, weekday) is due next; the last three must be `*`."""
    second, minute, hour, *rest = schedule.split()
    if rest != ["*", "*", "*"]:
        raise ValueError(f"schedule {schedule!r}: only times of the day are emulated")
    seconds, minutes, hours = _field(second, 60), _field(minute, 60), _field(hour, 24)
    start = datetime.fromtimestamp(now, UTC).replace(microsecond=0) + timedelta(seconds=1)
    for day in (start, start + _DAY):
        for h in hours:
            for m in minutes:
                for s in seconds:
                    at = day.replace(hour=h, minute=m, second=s)
                    if at >= start:
                        return at.timestamp()
    raise ValueError(f"schedule {schedule!r} is never due")


def _field(text: str, size: int) -> list[int]:
    """The values that one field allows: `*`, `*/N`, or numbers with commas."""
    if text.startswith("*"):
        return list(range(0, size, int(text[2:] or 1)))
    return sorted(int(part) for part in text.split(","))
