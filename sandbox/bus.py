"""Events on their way to functions: at least once, in any order, some late; kept in the world until they are handled.

A cloud's ROUTES says where an event goes, by what was declared there: rules, subscriptions, queues, schedules. What a
function fails to handle is tried again with growing pauses and ends in its dead-letter queue. By hand (settings, all
per world): `bus/delay_ms`, `bus/jitter_ms` (each delivery is late by up to so much, so they overtake each other),
`bus/copies` (each is delivered so often), `bus/mute` ("1": only SCHEDULE events are delivered), `bus/seed`. Times are
the clouds' own.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox import faults
from sandbox.clouds import context, part
from sandbox.fields import Json
from sandbox.world import Record, World

SCHEDULE = "schedule"
NEVER = 1e18
"""Due time of what waits in a queue that nobody is called for: dead letters."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `kind` is the cloud's word for it, `body` what its bus carries. `at`: Unix seconds."""

    cloud: str
    region: str
    kind: str
    body: Json
    at: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to the function `target`; `payload` is what the function's Runner gets.

    `via`: id of the queue or subscription that holds it until then. Tried `attempts` times, `backoff_s` after the
    first failure, twice as long after each further one; then it lies in the queue with the id `dead_letter`, if any.
    No target: it lies in `via`.
    """

    target: Record | None
    payload: Json
    via: str = ""
    attempts: int = 3
    backoff_s: float = 1.0
    dead_letter: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery as it is kept. `attempts`: how often it was tried."""

    id: int
    cloud: str
    region: str
    kind: str
    target: str
    via: str
    dead: str
    payload: Json
    attempts: int
    most: int
    backoff_s: float
    due: float


def post(world: World, event: Event) -> None:
    """The event happens: everything that listens to it will get it."""
    routes = part(event.cloud, "ROUTES")
    timer = event.kind == SCHEDULE
    lost = faults.dead(world, event.cloud, event.region) if timer else world.setting("bus/mute", "")
    if routes is None or lost:
        return
    for delivery in routes(context(world, event.cloud, event.region), event):
        send(world, event.cloud, event.region, delivery)


def send(world: World, cloud: str, region: str, delivery: Delivery) -> None:
    """Put one delivery on its way, as a call that names its receiver does."""
    delay, jitter = (float(world.setting(f"bus/{name}_ms", "0")) for name in ("delay", "jitter"))
    for _ in range(int(float(world.setting("bus/copies", "1")))):
        number = world.next_serial()
        chance = random.Random(f"{world.setting('bus/seed', '')}/{number}").random()
        late_s = (delay + jitter * chance) / 1000
        due = world.clock.now() + late_s if delivery.target else NEVER
        target = delivery.target
        world.sql(
            "insert into deliveries values (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
            number, cloud, region, target.kind if target else "", target.id if target else "",
            delivery.via, delivery.dead_letter, json.dumps(delivery.payload), delivery.attempts,
            delivery.backoff_s, due,
        )  # fmt: skip


def due(world: World, now: float, most: int = 256) -> list[Waiting]:
    """What should be delivered by now, longest due first."""
    return _waiting(world, "due <= ? order by due, id limit ?", now, most)


def held(world: World, queue: str) -> list[Waiting]:
    """What lies in a queue or is on its way out of it, oldest first."""
    return _waiting(world, "via = ? order by id", queue)


def pending(world: World) -> int:
    """Deliveries that are still to be made."""
    return int(world.sql("select count(*) from deliveries where due < ?", NEVER)[0][0])


def done(world: World, delivery: Waiting) -> None:
    """It was handled, or somebody took it out of its queue."""
    world.sql("delete from deliveries where id = ?", delivery.id)


def failed(world: World, delivery: Waiting) -> bool:
    """It was not handled: later again, or into the dead-letter queue. False: it is lost, nobody wanted it."""
    tried = delivery.attempts + 1
    if tried < delivery.most:
        pause = delivery.backoff_s * 2**delivery.attempts
        world.sql("update deliveries set attempts = ?, due = ? where id = ?", tried, world.clock.now() + pause, delivery.id)  # fmt: skip
    elif delivery.dead:
        world.sql(
            "update deliveries set attempts = ?, kind = '', target = '', via = ?, due = ? where id = ?",
            tried, delivery.dead, NEVER, delivery.id,
        )  # fmt: skip
    else:
        done(world, delivery)
        return False
    return True


def postpone(world: World, delivery: Waiting, seconds: float) -> None:
    """Where it is on its way nothing works now: later, and not counted as an attempt."""
    world.sql("update deliveries set due = ? where id = ?", world.clock.now() + seconds, delivery.id)  # fmt: skip


def _waiting(world: World, where: str, *values: float | str) -> list[Waiting]:
    rows: Sequence[tuple[object, ...]] = world.sql(
        f"select {', '.join(Waiting.__slots__)} from deliveries where {where}",
        *values,
    )
    position = Waiting.__slots__.index("payload")
    return [
        Waiting(*(json.loads(str(v)) if i == position else v for i, v in enumerate(row)))  # type: ignore[arg-type]
        for row in rows
    ]
