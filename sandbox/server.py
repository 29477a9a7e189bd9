"""Serves the three emulated clouds on loopback, over one world: providers for the engine, APIs for everybody else."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox import bus, faults, life, logs, tls
from sandbox.clouds import PACKAGES, Package, part
from sandbox.courier import carrying
from sandbox.functions import Functions
from sandbox.http import Dead, Face, Handler, Reply, Request, listening
from sandbox.internet import internet
from sandbox.machines import MACHINE, STARTING
from sandbox.metadata import Metadata
from sandbox.provider import Provider
from sandbox.world import World

_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_SETTLE_SPEED, _SETTLE_REAL_S, _SETTLE_QUIET_S = 240.0, 60.0, 300.0


@dataclass(frozen=True, slots=True)
class Running:
    """The clouds while they are served. `attach`: the environment that leads a Pulumi engine to them."""

    world: World
    attach: dict[str, str]
    functions: Functions
    metadata: Metadata


@contextmanager
def serving(world: World, speed: float = 1.0) -> Iterator[dict[str, str]]:
    """As `running`; yields the environment that makes a Pulumi engine use the emulated clouds instead of the real ones."""
    with running(world, speed) as clouds:
        yield clouds.attach


@contextmanager
def running(world: World, speed: float = 1.0) -> Iterator[Running]:
    """Serve everything on free ports while the context is open; time runs at `speed`."""
    with ExitStack() as stack:
        functions, metadata = Functions(world), Metadata(world)
        stack.callback(metadata.close)
        stack.enter_context(carrying(world, functions))
        stack.enter_context(_internet(world))
        for package in PACKAGES:
            stack.enter_context(_face(world, functions, package))
        attached = [stack.enter_context(_provider(world, package)) for package in PACKAGES]
        logs.trim(world)
        stack.enter_context(life.living(world, speed))
        attach = {
            "PULUMI_DEBUG_PROVIDERS": ",".join(attached),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        yield Running(world, attach, functions, metadata)


def settle(clouds: Running) -> None:
    """Let time fly until nothing is under way: no machine boots or is being killed, no event waits, no function runs.

    What functions do on a schedule counts: where there are machines, none may have come or gone for five minutes of the
    clouds. While functions work time keeps their pace, or schedules would keep them working. Gives up after a minute; what a group
    tries again later is not waited for.
    """
    world, clock = clouds.world, clouds.world.clock
    speed, last = clock.speed(), time.monotonic() + _SETTLE_REAL_S
    there, since = _machines(world), clock.now()
    while time.monotonic() < last:
        at_work = _at_work(clouds)
        if there != (now := _machines(world)):
            there, since = now, clock.now()
        quiet = not there or clock.now() - since >= _SETTLE_QUIET_S
        if quiet and not at_work and not bus.pending(world) and not _in_change(world):
            break
        clock.run(speed if at_work else _SETTLE_SPEED)
        time.sleep(life.TICK_S)
    clock.run(speed)


def _at_work(clouds: Running) -> bool:
    """Whether something is being done that needs real time."""
    now = clouds.world.clock.now()
    due = bus.due(clouds.world, now) or life.group_due(clouds.world)
    return bool(due) or clouds.functions.running() > 0


def _machines(world: World) -> set[str]:
    return {machine.id for machine in world.all(kind=MACHINE)}


def _in_change(world: World) -> bool:
    """Whether a machine boots or is being killed."""
    machines = world.all(kind=MACHINE)
    return any(m.body["state"] == STARTING or m.body["deadline"] is not None for m in machines)


@contextmanager
def _provider(world: World, package: Package) -> Iterator[str]:
    """One package's provider; yields `name:port`."""
    server = grpc.server(futures.ThreadPoolExecutor(16), options=_UNLIMITED)
    provider = Provider(package.name, package.cloud, package.kinds(), world)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"{package.name}:{port}"
    finally:
        server.stop(grace=1).wait()


@contextmanager
def _internet(world: World) -> Iterator[None]:
    """What functions see of the world outside their cloud; where it listens is a setting, `endpoint/internet`."""
    with listening(internet(world), world.clock) as url:
        world.set_setting("endpoint/internet", url)
        try:
            yield
        finally:
            world.set_setting("endpoint/internet", None)


@contextmanager
def _face(world: World, functions: Functions, package: Package) -> Iterator[None]:
    """A cloud's HTTP API, if it has one; where it listens is a setting, `endpoint/<cloud>`."""
    if package.part("FACE") is None:
        yield
        return
    context = None
    if package.part("TLS"):
        folder = world.folder / "tls"
        context = tls.server_context(folder)
        world.set_setting("endpoint/ca", str(tls.authority(folder)))
    name = f"endpoint/{package.cloud}"
    with listening(_guarded(world, functions, package.cloud), world.clock, context) as url:
        world.set_setting(name, url)
        try:
            yield
        finally:
            world.set_setting(name, None)


def _guarded(world: World, functions: Functions, cloud: str) -> Handler:
    """The cloud's answers with its faults put before them; every call is kept in the table `calls`."""
    made: list[Face] = []
    making = threading.Lock()
    numbers = itertools.count(1)

    def answer(request: Request) -> Reply:
        with making:
            if not made:
                made.append(part(cloud, "FACE")(world, functions))
        face = made[0]
        region = face.region(request)
        if faults.dead(world, cloud, region):
            raise Dead
        fault = faults.luck(world, cloud, next(numbers))
        reply = face.fault(request, fault) if fault else face.handle(request)
        if reply.action:
            world.sql("insert into calls values (?, ?, ?, ?, ?)", world.clock.now(), cloud, region, reply.action, reply.status)  # fmt: skip
        if reply.status < 400 and reply.action and faults.kills(world, cloud, reply.action):
            functions.kill(cloud)
        return reply

    return answer
