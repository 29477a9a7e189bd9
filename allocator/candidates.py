"""Candidates: what the spec leaves of the market, as pools of whole nodes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from allocator.errors import SpecError, unknown
from allocator.plan import Cloud, Count, Market, Member, Risk, Role, Shape
from allocator.profile.hardware import GPUS, degrees
from allocator.risk import spot_risk
from allocator.snapshot import USD_MICRO, Offering, Snapshot
from allocator.spec import Spec

ROLES: dict[Market, Role] = {"spot": "spot", "on_demand": "base"}
IDLE = "serves no request within the SLO"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pool that the optimizer may use. Prices are for a node, in micro-USD per hour.

    Candidates with equal `stock` share that many nodes (`stock_nodes`): the same machines at another tensor-parallel
    degree. `fallback_price`: what a spot node-hour is expected to cost beyond its price (see risk).
    """

    key: str
    cloud: Cloud
    region: str
    shape: Shape
    gpus: int
    market: Market
    members: tuple[Member, ...]
    price: int
    on_demand_price: int
    stock: str
    stock_nodes: int
    risk: Risk | None = None
    fallback_price: int = 0

    @property
    def cell(self) -> str:
        """The region's key, unique over the clouds."""
        return f"{self.cloud}-{self.region}"

    @property
    def replicas(self) -> int:
        """Replicas per node."""
        return self.gpus // self.shape.tensor_parallel

    @property
    def role(self) -> Role:
        """What the pool would be in the plan."""
        return ROLES[self.market]


def allowed(
    spec: Spec, snapshot: Snapshot, unreachable: Collection[Cloud] = ()
) -> tuple[list[Offering], list[Count]]:
    """The offerings that the spec allows, and how many offers were dropped for which reason. Nothing can be had of a
    cloud that is `unreachable`.

    Raises SpecError where the spec names a GPU or region that the snapshot does not have.
    """
    _check_names(spec, snapshot)
    kept: list[Offering] = []
    dropped: Counter[str] = Counter()
    for offering in snapshot.offerings:
        reason = _why_not(spec, offering)
        if not reason and offering.cloud in unreachable:
            reason = "cloud does not answer"
        if reason:
            dropped[reason] += len(ROLES)
        else:
            kept.append(offering)
    return kept, _counts(dropped)


def _counts(dropped: Counter[str]) -> list[Count]:
    return [Count(reason, offers) for reason, offers in sorted(dropped.items())]


def _why_not(spec: Spec, offering: Offering) -> str:
    market = spec.market
    if offering.cloud not in market.clouds:
        return "cloud not allowed"
    if not spec.allows_region(f"{offering.cloud}-{offering.region}"):
        return "region not allowed"
    if market.gpus is not None and offering.gpu not in market.gpus:
        return "GPU not allowed"
    if offering.gpu not in GPUS:
        return f"no throughput profile for {offering.gpu}"
    return ""


def _check_names(spec: Spec, snapshot: Snapshot) -> None:
    gpus = {offering.gpu for offering in snapshot.offerings}
    for gpu in spec.market.gpus or ():
        if gpu not in gpus:
            raise SpecError(f"config skyblend:market.gpus: {unknown('GPU', gpu, gpus)}")
        if gpu not in GPUS:
            raise SpecError(
                f"config skyblend:market.gpus: {gpu} has no throughput profile; profiled: {', '.join(sorted(GPUS))}"
            )
    regions = {f"{o.cloud}-{o.region}" for o in snapshot.offerings}
    for pattern in spec.market.regions:
        if not any(Spec.allows_region(_with_region(spec, pattern), region) for region in regions):
            raise SpecError(
                f"config skyblend:market.regions: {unknown('region', pattern, regions)}"
            )


def _with_region(spec: Spec, pattern: str) -> Spec:
    return spec.model_copy(update={"market": spec.market.model_copy(update={"regions": [pattern]})})


def wanted_shapes(offerings: Iterable[Offering]) -> list[tuple[str, int]]:
    """Every (GPU, tensor-parallel degree) that the offerings could run."""
    return sorted({(o.gpu, t) for o in offerings for t in degrees(GPUS[o.gpu], o.gpus)})


def candidates(
    spec: Spec, offerings: list[Offering], shapes: tuple[Shape, ...]
) -> tuple[list[Candidate], list[Count]]:
    """Pools of whole nodes, sorted by key, and the dropped offers by reason."""
    usable = {(s.gpu, s.tensor_parallel): s for s in shapes if any(s.requests_per_second)}
    groups: dict[tuple[Cloud, str, str, int], list[Offering]] = defaultdict(list)
    for offering in offerings:
        groups[offering.cloud, offering.region, offering.gpu, offering.gpus].append(offering)
    made: list[Candidate] = []
    dropped: Counter[str] = Counter()
    for (cloud, region, gpu, gpus), rows in sorted(groups.items()):
        on_demand = _members(rows, "on_demand")
        serving = [usable[gpu, n] for n in degrees(GPUS[gpu], gpus) if (gpu, n) in usable]
        for market in ROLES:
            reasons = [_unsold(spec, row, market) or ("" if serving else IDLE) for row in rows]
            dropped.update(filter(None, reasons))
            kept = [row for row, reason in zip(rows, reasons, strict=True) if not reason]
            if not kept:
                continue
            members = _members(kept, market)
            stock = f"{cloud}-{region}-{gpu.lower()}x{gpus}"
            made += [
                Candidate(
                    key=f"{stock}-tp{shape.tensor_parallel}-{ROLES[market]}",
                    cloud=cloud,
                    region=region,
                    shape=shape,
                    gpus=gpus,
                    market=market,
                    members=members,
                    price=members[0].price_usd_micro_per_hour,
                    on_demand_price=on_demand[0].price_usd_micro_per_hour if on_demand else 0,
                    stock=f"{stock}-{market}",
                    stock_nodes=spec.limits.nodes_per_pool,
                    risk=_risk(kept, members[0]) if market == "spot" else None,
                )
                for shape in serving
            ]
    return sorted(made, key=lambda c: c.key), _counts(dropped)


def _risk(rows: list[Offering], member: Member) -> Risk:
    """Of the worst zone that sells the pool's first choice."""
    bands = [row.interruption_band for row in rows if row.instance_type == member.instance_type]
    known = [band for band in bands if band is not None]
    return spot_risk(max(known) if known else None)


def _unsold(spec: Spec, offering: Offering, market: Market) -> str:
    price = offering.price(market)
    if price is None:
        return f"no {market.replace('_', '-')} price"
    most = spec.market.max_usd_per_gpu_hour
    if most is not None and price > most * offering.gpus * USD_MICRO:
        return f"{market.replace('_', '-')} price above max_usd_per_gpu_hour"
    band = spec.market.max_interruption_band
    if market == "spot" and band is not None:
        if offering.interruption_band is None:
            return "interruption band unknown"
        if offering.interruption_band > band:
            return "interruption band above max_interruption_band"
    return ""


def _members(rows: list[Offering], market: Market) -> tuple[Member, ...]:
    """Instance types, cheapest first; a type's price is the mean over the zones that sell it."""
    by_type: dict[str, list[Offering]] = defaultdict(list)
    for row in rows:
        if row.price(market) is not None:
            by_type[row.instance_type].append(row)
    members = [
        Member(
            instance_type=name,
            zones=tuple(sorted({zone for row in sold for zone in row.zones})),
            price_usd_micro_per_hour=round(sum(row.price(market) or 0 for row in sold) / len(sold)),
            assumed="; ".join(sorted({row.assumed(market) for row in sold} - {""})),
        )
        for name, sold in by_type.items()
    ]
    return tuple(sorted(members, key=lambda m: (m.price_usd_micro_per_hour, m.instance_type)))
