"""What the reactors saw: pools that could not be filled, how many nodes every group has, clouds that do not answer.

A file of stacks/observed, put together from the clouds' `observed.json` by `python -m tools.observed`; it counts as it was when
it was fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from allocator.candidates import Candidate
from allocator.errors import DataError, first_problem
from allocator.plan import Cloud, Source, digest_of

_Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Group(_Part):
    group: str
    nodes: _Count


class _Cloud(_Part):
    cloud: Cloud
    groups: list[_Group]
    dry: list[_Group]


class _File(_Part):
    schema_version: Literal[1]
    fetched: Annotated[str, Field(min_length=10)]
    clouds: list[_Cloud]
    unreachable: list[Cloud] = []


@dataclass(frozen=True, slots=True)
class Observed:
    """By pool: `dry` how many nodes it had when no more were to be had, `nodes` how many it has; and clouds without an answer."""

    source: Source
    dry: dict[str, int]
    nodes: dict[str, int]
    unreachable: tuple[Cloud, ...]

    def within(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The candidates with their stock cut to what was there: a pool that was dry has no more now.

        Degrees of one machine share their stock, so that the nodes of the dry pools among them are added up.
        """
        left: dict[str, int] = {}
        for candidate in candidates:
            for key in (candidate.key, candidate.key.removesuffix("base") + "fallback"):
                if key in self.dry:
                    left[candidate.stock] = left.get(candidate.stock, 0) + self.dry[key]
        return [
            replace(c, stock_nodes=min(c.stock_nodes, left[c.stock])) if c.stock in left else c
            for c in candidates
            if left.get(c.stock, 1)
        ]


def read_observed(file: Path) -> Observed:
    """Read and check a file. Raises DataError."""
    try:
        data = _File.model_validate_json(file.read_bytes())
    except OSError as error:
        raise DataError(f"observed {file.name}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"observed {file.name}: {first_problem(error)}") from error
    return Observed(
        source=Source(file.stem, digest_of(data.model_dump()), data.fetched[:10]),
        dry=_by_pool(group for cloud in data.clouds for group in cloud.dry),
        nodes=_by_pool(group for cloud in data.clouds for group in cloud.groups),
        unreachable=tuple(sorted(set(data.unreachable))),
    )


def _by_pool(groups: Iterable[_Group]) -> dict[str, int]:
    """Nodes by pool; where a pool has a group for each instance type, their sum."""
    total: dict[str, int] = {}
    for group in groups:
        pool = group.group.partition("/")[0]
        total[pool] = total.get(pool, 0) + group.nodes
    return total
