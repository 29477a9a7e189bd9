"""What a cloud holds under a tag although nobody accounts for it, and how to remove it.

An engine that dies between a cloud's answer and its own bookkeeping leaves such things behind.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.clouds import PACKAGES
from sandbox.kind import Context, Kind
from sandbox.machines import MACHINE
from sandbox.refusal import Refusal
from sandbox.world import Record, World


def leftovers(world: World, tag: str, known: Iterable[str]) -> list[Record]:
    """Records under the tag whose id is not known. Machines go with their groups and are not listed."""
    known = set(known)
    return [r for r in tagged(world, tag) if r.kind != MACHINE and r.id not in known]


def tagged(world: World, tag: str) -> list[Record]:
    """Records that carry the tag ("key=value"), or live in one that does, oldest first.

    A type without tags counts by a word of its description.
    """
    key, _, value = tag.partition("=")
    marked: dict[str, set[str]] = {}
    found = []
    for record in world.all():
        ids = marked.setdefault(record.cloud, set())
        if (
            record.tags.get(key) == value
            or tag in str(record.body.get("description", "")).split()
            or ids & set(record.parents)
        ):
            ids.add(record.id)
            found.append(record)
    return found


def remove(world: World, records: list[Record]) -> list[Record]:
    """Delete records through their own types' rules, what stands on others first. Returns what would not go."""
    kinds = {(package.cloud, kind.name): kind for package in PACKAGES for kind in package.kinds()}
    left = list(reversed(records))
    while left:
        stuck = [record for record in left if not _delete(world, kinds, record)]
        if len(stuck) == len(left):
            break
        left = stuck
    return left


def _delete(world: World, kinds: dict[tuple[str, str], Kind], record: Record) -> bool:
    kind = kinds.get((record.cloud, record.kind))
    with world.change():
        if kind is None:
            world.remove(record)
            return True
        try:
            kind.delete(Context(world, record.cloud, record.region, ""), record)
        except Refusal:
            return False
    return True
