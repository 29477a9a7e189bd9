"""Object stores swap versions, and credentials say who calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox import callers, objects
from sandbox.world import World
from tests.sandbox.toys import MARKET


@pytest.fixture
def world(tmp_path: Path):
    world = World(tmp_path / "clouds.db", MARKET)
    yield world
    world.close()


def test_an_object_is_what_was_written_last_each_time_in_a_new_version(world: World):
    assert objects.read(world, "aws", "b", "x") is None
    first = objects.write(world, "aws", "b", "x", b"1")
    second = objects.write(world, "aws", "b", "x", b"2")
    assert second.version > first.version
    assert objects.read(world, "aws", "b", "x") == second
    objects.write(world, "aws", "b", "a", b"")
    objects.write(world, "gcp", "b", "y", b"")
    assert [one.name for one in objects.listed(world, "aws", "b")] == ["a", "x"]
    objects.erase(world, "aws", "b", "x")
    assert objects.read(world, "aws", "b", "x") is None


def test_a_write_over_another_version_is_refused_and_so_is_a_second_first_one(world: World):
    first = objects.write(world, "aws", "b", "x", b"1", version=0)
    with pytest.raises(objects.Changed):
        objects.write(world, "aws", "b", "x", b"2", version=0)
    objects.write(world, "aws", "b", "x", b"2", version=first.version)
    with pytest.raises(objects.Changed):
        objects.write(world, "aws", "b", "x", b"3", version=first.version)
    assert objects.read(world, "aws", "b", "x").body == b"2"


def test_of_writers_at_the_same_time_each_change_counts_once(world: World):
    objects.write(world, "aws", "b", "n", b"0")

    def count(_: int) -> None:
        while True:
            now = objects.read(world, "aws", "b", "n")
            try:
                next_ = str(int(now.body) + 1).encode()
                objects.write(world, "aws", "b", "n", next_, version=now.version)
                return
            except objects.Changed:
                continue

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(40)))
    assert objects.read(world, "aws", "b", "n").body == b"40"


def test_a_credential_is_one_principal_of_one_cloud_also_after_a_restart(tmp_path: Path):
    world = World(tmp_path / "clouds.db", MARKET)
    given = callers.issue(world, "aws", "role/a")
    assert given == callers.issue(world, "aws", "role/a") != callers.issue(world, "aws", "role/b")
    world.close()
    world = World(tmp_path / "clouds.db", MARKET)
    assert callers.caller(world, "aws", given) == "role/a"
    assert callers.caller(world, "gcp", given) is None
    assert callers.caller(world, "aws", "f" * 40) is None
    world.close()


def test_two_worlds_give_different_credentials(tmp_path: Path):
    worlds = [World(tmp_path / f"{number}.db", MARKET) for number in range(2)]
    assert len({callers.issue(world, "aws", "role/a") for world in worlds}) == 2
    for world in worlds:
        world.close()
