"""Object stores: named bytes in buckets, each write a new version; one model behind three dialects.

A compare-and-swap on the version is what S3, GCS and Blob storage have in common.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.world import World


class Changed(Exception):
    """The object is not in the version that the writer expected."""


@dataclass(frozen=True, slots=True)
class Object:
    """An object; `version` grows with every write in the world, `at` is when it was written (Unix seconds)."""

    name: str
    version: int
    at: float
    body: bytes


def read(world: World, cloud: str, bucket: str, name: str) -> Object | None:
    """The object, or None."""
    found = _objects(world, "cloud = ? and bucket = ? and name = ?", cloud, bucket, name)
    return found[0] if found else None


def listed(world: World, cloud: str, bucket: str) -> list[Object]:
    """All objects of a bucket, by name."""
    return _objects(world, "cloud = ? and bucket = ? order by name", cloud, bucket)


def write(world: World, cloud: str, bucket: str, name: str, body: bytes, *, version: int | None = None) -> Object:  # fmt: skip
    """Write an object; with `version` only over that one, 0 meaning that there must be none. Raises Changed."""
    with world.change():
        now = read(world, cloud, bucket, name)
        if version is not None and version != (now.version if now else 0):
            raise Changed(name)
        new = Object(name, world.next_serial(), world.clock.now(), body)
        world.sql("insert or replace into objects values (?, ?, ?, ?, ?, ?)", cloud, bucket, name, new.version, new.at, body)  # fmt: skip
    return new


def erase(world: World, cloud: str, bucket: str, name: str) -> None:
    """Delete an object, if it is there."""
    world.sql("delete from objects where cloud = ? and bucket = ? and name = ?", cloud, bucket, name)  # fmt: skip


def _objects(world: World, where: str, *values: str) -> list[Object]:
    rows = world.sql(f"select name, version, at, body from objects where {where}", *values)
    return [Object(*row) for row in rows]
