"""What functions print, as their clouds' log services keep it."""

from __future__ import annotations

from sandbox.world import World

_KEPT = 20_000


def write(world: World, cloud: str, name: str, line: str) -> None:
    """Append a line to a log."""
    world.sql("insert into logs values (?, ?, ?, ?)", world.clock.now(), cloud, name, line)


def read(world: World, cloud: str = "", name: str = "", after: int = 0) -> list[tuple[int, str]]:
    """Lines after a position, each with its own position: `time cloud name line`; all, or of one cloud or log."""
    rows = world.sql(
        "select rowid, at, cloud, name, line from logs where rowid > ? and (? = '' or cloud = ?) and "
        "(? = '' or name = ?) order by rowid",
        after, cloud, cloud, name, name,
    )  # fmt: skip
    return [
        (row, f"{world.clock.iso(at)} {of:<5} {log}  {line}") for row, at, of, log, line in rows
    ]


def trim(world: World) -> None:
    """Forget the oldest lines."""
    world.sql("delete from logs where rowid <= (select max(rowid) from logs) - ?", _KEPT)
