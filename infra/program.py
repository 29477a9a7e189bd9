"""A plan, declared: a reactor per cloud, one cell per region, the edge in front of them, and last the published plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from allocator.plan import Cell, Cloud, Plan
from allocator.runtime import published
from infra.cells import CellArgs, CellComponent, cell_class
from infra.naming import Owner
from infra.package import package_file
from infra.reactors import ReactorArgs, ReactorComponent, reactor_class, reactor_regions
from infra.replica import HEALTH_PATH, PORT
from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class Declared:
    """The URL that clients use, and by cloud the URLs of the reactor's stores."""

    endpoint: pulumi.Output[str]
    stores: dict[str, tuple[pulumi.Output[str], ...]]


def declare(plan: Plan, settings: Settings, owner: Owner) -> Declared:
    """Declare every resource of the plan."""
    clouds = sorted({cell.cloud for cell in plan.decisions.cells})
    reactors = {cloud: _reactor(plan, cloud, settings, owner) for cloud in clouds}
    cells = {
        cell.key: _cell(plan, cell, reactors[cell.cloud], settings, owner)
        for cell in plan.decisions.cells
    }
    shares = {cell.key: cell.share_ppm for cell in plan.decisions.cells}
    if settings.edge == "front-door":
        endpoint = _front_door(cells, shares, settings, owner)
    else:
        endpoint = _largest_cell(cells, shares)
    for cloud, reactor in reactors.items():
        own = [cells[cell.key] for cell in plan.decisions.cells if cell.cloud == cloud]
        reactor.publish(
            [group for cell in own for group in cell.groups],
            _PlanText(plan, cloud, settings, owner),
            addresses=_addresses(plan, cells, settings, endpoint),
            after=own,
        )
    return Declared(endpoint, {cloud: reactors[cloud].stores for cloud in clouds})


def _reactor(plan: Plan, cloud: Cloud, settings: Settings, owner: Owner) -> ReactorComponent:
    args = ReactorArgs(
        owner=owner,
        settings=settings,
        regions=reactor_regions(plan, cloud, settings),
        cells=tuple(sorted(c.region for c in plan.decisions.cells if c.cloud == cloud)),
        package=package_file(cloud),
    )
    return reactor_class(cloud)(f"reactor-{cloud}", args)


def _cell(
    plan: Plan, cell: Cell, reactor: ReactorComponent, settings: Settings, owner: Owner
) -> CellComponent:
    pools = sorted(
        (p for p in plan.decisions.pools if (p.cloud, p.region) == (cell.cloud, cell.region)),
        key=lambda pool: pool.key,
    )
    args = CellArgs(cell, tuple(pools), plan.decisions.engine, owner, settings, reactor.notices)
    return cell_class(cell.cloud)(cell.key, args)


def _addresses(
    plan: Plan, cells: dict[str, CellComponent], settings: Settings, endpoint: pulumi.Output[str]
) -> dict[str, list[pulumi.Output[str]]]:
    """Where each cloud's cells answer a probe. Azure's admit the edge alone where there is one, and the edge is Azure's own."""
    urls: dict[str, list[pulumi.Output[str]]] = {}
    for cell in plan.decisions.cells:
        address = cells[cell.key].address
        url = pulumi.Output.concat("http://", address, f":{PORT}{HEALTH_PATH}")
        urls.setdefault(cell.cloud, []).append(url)
    if settings.edge == "front-door" and "azure" in urls:
        host = endpoint.apply(lambda url: url.partition("://")[2])
        urls["azure"] = [pulumi.Output.concat("http://", host, HEALTH_PATH)]
    return urls


@dataclass(frozen=True, slots=True)
class _PlanText:
    """The text of a cloud's plan.json, from the ids of its groups and the addresses of all clouds' cells."""

    plan: Plan
    cloud: Cloud
    settings: Settings
    owner: Owner

    def __call__(self, ids: Mapping[str, str], addresses: Mapping[str, Sequence[str]]) -> str:
        reactor = self.settings.reactor
        return published(
            self.plan,
            self.cloud,
            ids,
            self.owner.label,
            peers={c: tuple(urls) for c, urls in sorted(addresses.items()) if c != self.cloud},
            dispatch=(reactor.dispatch.kind, reactor.dispatch.url) if reactor.dispatch else None,
            cool_down_s=reactor.cool_down_s,
            frozen=reactor.freeze,
        )


def _front_door(
    cells: dict[str, CellComponent], shares: dict[str, int], settings: Settings, owner: Owner
) -> pulumi.Output[str]:
    # imported here: a stack without this edge and without Azure never loads Azure's provider package
    from infra.edge.front_door import FrontDoor, FrontDoorArgs, Origin

    origins = tuple(Origin(key, cells[key].address, shares[key]) for key in sorted(cells))
    edge = FrontDoor("edge", FrontDoorArgs(origins, settings.azure.location, owner))
    return pulumi.Output.concat("https://", edge.host_name)


def _largest_cell(cells: dict[str, CellComponent], shares: dict[str, int]) -> pulumi.Output[str]:
    """Without an edge clients get one cell: that with the largest share."""
    key = min(cells, key=lambda key: (-shares[key], key))
    if len(cells) > 1:
        pulumi.log.warn(
            f"no edge: the endpoint is cell {key}, the other {len(cells) - 1} get no requests; "
            "set skyblend:clouds.edge to front-door"
        )
    return pulumi.Output.concat("http://", cells[key].address, f":{PORT}")
