"""How a managed instance group buys machines: by its target shape, from its template or flexibility policy."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sandbox.fields import Json, get
from sandbox.gcp.links import API, Link, kind_name, locate, short_name
from sandbox.gcp.series import quota_family
from sandbox.gcp.template_rules import is_spot
from sandbox.kind import Context
from sandbox.machines import Order, Shortfall, fill, machines_of, stock_left
from sandbox.market import ON_DEMAND, SPOT
from sandbox.world import Record

_DEFAULT_ZONES = 3
_ERRORS_KEPT = 50
RETRY_S = 30.0
"""A group tries again so long after a machine could not be had."""
SHUTDOWN_S = 30.0
"""From the soft-off to the kill of a preempted machine."""
_NOTICE = "properties.scheduling.preemptionNoticeDuration.seconds"
TEMPLATE = Link("versions[].instanceTemplate", "instanceTemplates", "instance_template")


def resize(ctx: Context, group: Record) -> list[Shortfall]:
    """Make the group have its target size as far as it can be had.

    What could not be had is no error of the call: it stays in `live["errors"]`, of this attempt, and in
    `live["told"]`, where listErrors finds it; the group tries again by itself. A lost machine's place stays: the one
    that is made for it has its name and, unless the group lets it move, its zone.
    """
    order = _order(ctx, group)
    shortfalls = _mend(ctx, group, order) if order else []
    errors = [_error_item(ctx, group, shortfall) for shortfall in shortfalls]
    group.live["errors"] = errors
    group.live["told"] = [*errors, *group.live.get("told", [])][:_ERRORS_KEPT]
    if shortfalls:
        ctx.world.wake(group, ctx.world.clock.now() + RETRY_S)
    ctx.world.put(group)
    return shortfalls


def lose(ctx: Context, group: Record, machine: Record) -> None:
    """A machine is gone that the group did not end: its place is to be filled again."""
    place = {"name": machine.name, "zone": machine.body["zone"], "lost": True}
    group.live["vacant"] = [*group.live.get("vacant", []), place]
    ctx.world.put(group)


def _mend(ctx: Context, group: Record, order: Order) -> list[Shortfall]:
    vacant: list[Json] = group.live.get("vacant", [])
    moves = get(group.body, "instanceLifecyclePolicy.onRepair.allowChangingZone") == "YES"
    shortfalls: list[Shortfall] = []
    stuck: list[Json] = []
    for place in [] if moves else [p for p in vacant if p["lost"]]:
        here = len(machines_of(ctx.world, group)) + 1
        if here <= order.desired - len(stuck):
            missing = fill(ctx.world, replace(order, desired=here, zones=(place["zone"],)))
            shortfalls += missing
            stuck += [place] if missing else []
            _name(ctx, group, [place])
    rest = replace(order, desired=max(order.desired - len(stuck), 0))
    shortfalls += _SHAPES[_shape(group)](ctx, rest)
    _name(ctx, group, vacant)
    taken = {machine.name for machine in machines_of(ctx.world, group)}
    lacking = order.desired - len(taken)
    left = [place for place in vacant if place["name"] not in taken][: max(lacking, 0)]
    zone = shortfalls[0].zone or order.zones[0] if shortfalls and order.zones else ""
    left += [
        {"name": _new_name(ctx, group), "zone": zone, "lost": False}
        for _ in range(lacking - len(left))
    ]
    group.live["vacant"] = left
    return shortfalls


def _name(ctx: Context, group: Record, places: list[Json]) -> None:
    """New machines take the names of the places that they fill, and a number that no other machine had."""
    machines = machines_of(ctx.world, group)
    template = template_of(ctx, group)
    notice = get(template.body, _NOTICE) if template else None
    taken = {machine.name for machine in machines}
    free = iter([place["name"] for place in places if place["name"] not in taken])
    for machine in machines:
        if not machine.name:
            machine.name = next(free, None) or _new_name(ctx, group)
            machine.live["number"] = str(int(ctx.world.new_hex(15), 16))
            machine.live["lead_s"] = SHUTDOWN_S + float(notice or 0)
            ctx.world.put(machine)


def _new_name(ctx: Context, group: Record) -> str:
    return f"{group.body['baseInstanceName']}-{ctx.world.new_hex(4)}"


def family_of(market: str, machine_type: str) -> str:
    """The quota that a machine of a type counts against, by the GPUs that come with it."""
    return quota_family(machine_type, [], spot=market == SPOT)


def template_of(ctx: Context, group: Record) -> Record | None:
    """The template of the version that all remaining machines get."""
    for version in group.body["versions"]:
        if not version.get("targetSize"):
            template_id = locate(ctx, TEMPLATE, version["instanceTemplate"])
            return ctx.world.get(ctx.cloud, kind_name("instanceTemplates"), template_id)
    return None


def _fill_anywhere(ctx: Context, order: Order) -> list[Shortfall]:
    """BALANCED and ANY: wherever there is most stock."""
    return fill(ctx.world, order)


def _fill_evenly(ctx: Context, order: Order) -> list[Shortfall]:
    """EVEN: zones differ by one machine at most, so that one dry zone holds up all others."""
    have = len(machines_of(ctx.world, order.group))
    if order.desired <= have or not order.zones:
        return fill(ctx.world, order)
    for size in range(have + 1, order.desired + 1):
        shortfalls = _fill_emptiest(ctx, replace(order, desired=size))
        if shortfalls:
            return shortfalls
    return []


def _fill_emptiest(ctx: Context, order: Order) -> list[Shortfall]:
    """One machine more, in a zone that has the fewest."""
    held = Counter(machine.body["zone"] for machine in machines_of(ctx.world, order.group))
    least = min(held[zone] for zone in order.zones)
    shortfalls: list[Shortfall] = []
    for zone in (zone for zone in order.zones if held[zone] == least):
        shortfalls = fill(ctx.world, replace(order, zones=(zone,)))
        if not shortfalls:
            break
    return shortfalls


def _fill_one_zone(ctx: Context, order: Order) -> list[Shortfall]:
    """ANY_SINGLE_ZONE: the zone of the machines that run, else the one with most stock of the first member."""
    running = [machine.body["zone"] for machine in machines_of(ctx.world, order.group)]
    sales = [
        sale
        for sale in ctx.world.market.sales_of(ctx.cloud, order.group.region, order.members[0])
        if not order.zones or sale.zone in order.zones
    ]
    if running:
        zone = running[0]
    elif sales:
        zone = max(sales, key=lambda s: (stock_left(ctx.world, s, order.market), s.zone)).zone
    else:
        return fill(ctx.world, order)
    return fill(ctx.world, replace(order, zones=(zone,)))


_SHAPES = {
    "EVEN": _fill_evenly,
    "BALANCED": _fill_anywhere,
    "ANY": _fill_anywhere,
    "ANY_SINGLE_ZONE": _fill_one_zone,
}


def _shape(group: Record) -> str:
    return str(get(group.body, "distributionPolicy.targetShape") or "EVEN")


def _order(ctx: Context, group: Record) -> Order | None:
    """What the group asks for; None where its template is of a type that is not emulated."""
    template = template_of(ctx, group)
    if template is None:
        return None
    properties = template.body["properties"]
    spot = is_spot(properties.get("scheduling") or {})
    members = _members(group) or (short_name(properties["machineType"]),)
    accelerators = [
        short_name(item["acceleratorType"]) for item in properties.get("guestAccelerators", ())
    ]
    zones = [short_name(z["zone"]) for z in get(group.body, "distributionPolicy.zones") or ()]
    zones = zones or ctx.world.market.zones(ctx.cloud, group.region)[:_DEFAULT_ZONES]
    return Order(
        group,
        int(group.body.get("targetSize", 0)),
        members,
        tuple(zones),
        SPOT if spot else ON_DEMAND,
        quota_family(members[0], accelerators, spot=spot),
    )


def _members(group: Record) -> tuple[str, ...]:
    """Machine types of the flexibility policy, the lowest rank first; they override the template's."""
    selections = get(group.body, "instanceFlexibilityPolicy.instanceSelections") or {}
    ranked = sorted(selections.items(), key=lambda item: (item[1].get("rank", 0), item[0]))
    return tuple(name for _, selection in ranked for name in selection["machineTypes"])


def _error_item(ctx: Context, group: Record, shortfall: Shortfall) -> Json:
    """An item of listErrors."""
    zone = shortfall.zone or group.region
    project = f"projects/{group.live['project']}"
    code, message = {
        "stock": (
            "ZONE_RESOURCE_POOL_EXHAUSTED",
            f"The zone '{project}/zones/{zone}' does not have enough resources available to fulfill the request. "
            "Try a different zone, or try again later.",
        ),
        "quota": (
            "QUOTA_EXCEEDED",
            f"Quota exceeded for {shortfall.instance_type} in region {group.region}.",
        ),
        "not_sold": (
            "RESOURCE_NOT_FOUND",
            f"Machine type with name '{shortfall.instance_type}' does not exist in {zone}.",
        ),
    }[shortfall.reason]
    instance = _new_name(ctx, group)
    return {
        "error": {"code": code, "message": message},
        "instanceActionDetails": {
            "action": "CREATING",
            "instance": f"{API}{project}/zones/{zone}/instances/{instance}",
        },
        "timestamp": ctx.world.clock.iso(),
    }
