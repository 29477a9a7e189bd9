"""Is the demand served: by any routing at all (a linear program of our own), by the plan's own, and after each loss."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.optimize import linprog

from tests.allocator.checker_view import PPM, View, cell_of, replicas

TOLERANCE = 1e-5


def served(view: View, pools: Iterable[dict[str, Any]]) -> float:
    """The largest part (at most 1) of every bucket that these pools' nodes can serve, with the best routing."""
    count: Counter[str] = Counter()
    for (_, shape), number in replicas(pools).items():
        count[shape] += number
    shapes = sorted(count)
    pairs = [(b, g) for b in range(len(view.rates)) for g, shape in enumerate(shapes) if view.shapes[shape][b]]  # fmt: skip
    if {b for b, _ in pairs} != set(range(len(view.rates))):
        return 0.0
    part = len(pairs)  # the last column: the part that is served
    rows = np.zeros((len(view.rates) + len(shapes), part + 1))
    rows[: len(view.rates), part] = 1.0
    for column, (b, g) in enumerate(pairs):
        rows[b, column] = -1.0
        busy = view.rates[b] / view.shapes[shapes[g]][b]
        rows[len(view.rates) + g, column] = busy / count[shapes[g]]
    limit = np.concatenate([np.zeros(len(view.rates)), np.ones(len(shapes))])
    aim = np.zeros(part + 1)
    aim[part] = -1.0
    bounds = [(0.0, None)] * part + [(0.0, 1.0)]
    found = linprog(aim, A_ub=rows, b_ub=limit, bounds=bounds, method="highs")
    if found.status != 0:
        raise RuntimeError(f"the check's own linear program: {found.message}")
    return float(found.x[part])


def nominal_promises(view: View) -> list[str]:
    """While nothing is lost: capacity for everything, and a routing that uses it rightly."""
    part = served(view, view.serving)
    broken = []
    if part < 1 - TOLERANCE:
        broken.append(f"with nothing lost the pools serve {part:.6f} of the demand")
    broken += _routing(view, view.decisions["routing"], view.serving, "")
    return broken + _cell_shares(view)


def floor_promises(view: View, floor: float) -> list[str]:
    """The on-demand pools alone serve the part that may not rest on spot."""
    base = [pool for pool in view.serving if pool["role"] == "base"]
    part = served(view, base) if floor > 0 else 1.0
    if part < floor - TOLERANCE:
        return [f"on-demand pools alone serve {part:.6f} of the demand, promised is {floor}"]
    return []


def loss_promises(view: View, *, keep: float, asked: str | None) -> list[str]:
    """After the loss of each domain: what is left serves enough, and the plan says how to route then."""
    level, losses = view.decisions["survive"], view.decisions["losses"]
    broken = []
    if asked not in (None, level):
        broken.append(f"survives {level}, asked was {asked}")
    domains = {"none": [], "region": view.cells, "cloud": view.clouds}[level]
    listed = Counter(loss["domain"] for loss in losses)
    broken += [f"no loss of {domain} in the plan" for domain in domains if not listed[domain]]
    broken += [f"loss of {domain}, which is not in use" for domain in listed if domain not in domains]  # fmt: skip
    broken += [f"loss of {domain} is there twice" for domain in listed if listed[domain] > 1]
    for domain in domains:
        part = served(view, _left(view, domain))
        if part < keep - TOLERANCE:
            broken.append(
                f"after the loss of {domain} the pools serve {part:.6f}, promised is {keep}"
            )
    for loss in losses:
        broken += _loss(view, loss, keep)
    return broken


def _left(view: View, domain: str) -> list[dict[str, Any]]:
    return [pool for pool in view.serving if view.domain_of(cell_of(pool)) != domain]


def _loss(view: View, loss: dict[str, Any], keep: float) -> list[str]:
    domain, part = loss["domain"], loss["served_ppm"] / PPM
    when = f"after the loss of {domain} "
    broken = []
    if part < keep - TOLERANCE:
        broken.append(f"{when}the plan says {part:.6f} is served, promised is {keep}")
    if part > 1:
        broken.append(f"{when}the plan says {part:.6f} is served, more than there is")
    if any(view.domain_of(route["cell"]) == domain for route in loss["routing"]):
        broken.append(f"{when}requests still go there")
    return broken + _routing(view, loss["routing"], _left(view, domain), when, part)


def _routing(
    view: View,
    routing: list[dict[str, Any]],
    pools: list[dict[str, Any]],
    when: str,
    part: float = 1.0,
) -> list[str]:
    """Whether `part` of the demand, sent along these routes, gets to replicas that can serve it and have the time."""
    wrong = [problem for route in routing for problem in _route(view, route)]
    places = Counter((route["cell"], route["shape"]) for route in routing)
    wrong += [f"two routes to {' '.join(place)}" for place, times in places.items() if times > 1]
    if wrong:
        return [f"{when}{problem}" for problem in wrong]
    sums = [sum(route["shares_ppm"][b] for route in routing) for b in range(len(view.rates))]
    wrong = [f"bucket {b} is routed {ppm} ppm" for b, ppm in enumerate(sums) if ppm != PPM]
    have = replicas(pools)
    for place, (busy, rounding) in view.loads(routing).items():
        if busy and not have[place]:
            wrong.append(f"requests go to {' '.join(place)}, where no replica is")
        elif busy * part > have[place] * (1 + TOLERANCE) + rounding:
            wrong.append(
                f"{' '.join(place)} is loaded {busy * part:.6f} with {have[place]} replicas"
            )
    return [f"{when}{problem}" for problem in wrong]


def _route(view: View, route: dict[str, Any]) -> list[str]:
    place, shares = f"{route['cell']} {route['shape']}", route["shares_ppm"]
    if route["shape"] not in view.shapes:
        return [f"requests go to {place}, which is no shape of the plan"]
    if len(shares) != len(view.rates) or any(type(s) is not int or s < 0 for s in shares):
        return [f"shares to {place} are {shares}"]
    most = view.shapes[route["shape"]]
    return [
        f"bucket {b} goes to {place}, which cannot serve it"
        for b, share in enumerate(shares)
        if share and not most[b]
    ]


def routed(view: View) -> dict[str, float]:
    """The part of all requests that goes to each cell."""
    parts: dict[str, float] = defaultdict(float)
    total = sum(view.rates)
    for route in view.decisions["routing"]:
        for rate, share in zip(view.rates, route["shares_ppm"], strict=False):
            parts[route["cell"]] += rate * share / PPM / total
    return parts


def _cell_shares(view: View) -> list[str]:
    """The cells' weights at the edge say the same as the routing."""
    parts, cells = routed(view), view.decisions["cells"]
    total = sum(cell["share_ppm"] for cell in cells)
    broken = [f"the cells' shares add up to {total} ppm"] if total != PPM else []
    return broken + [
        f"cell {cell['key']} has a share of {cell['share_ppm']} ppm, its routes {parts[cell['key']]:.6f}"
        for cell in cells
        if abs(cell["share_ppm"] / PPM - parts[cell["key"]]) > TOLERANCE
    ]
