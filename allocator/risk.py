"""What spot may do to a node, what that costs, and what a region costs by itself: priors, each with its source.

Nobody publishes how often GPU spot machines are taken. Three recorded sets of AWS spot availability (2022, 2023) follow
losses per up-hour = 0.7 / (hours since the last loss + 0.35); the prior is its value after three days without one. AWS'
Spot Advisor tells better instance types from worse ones, by a band of monthly interruptions: it scales the prior.
"""

from __future__ import annotations

from allocator.plan import Cloud, Risk

PRIOR_LOSSES_PER_HOUR = 0.0097
"""0.7 / (72 + 0.35)."""
BAND_FACTOR = (0.5, 0.75, 1.0, 1.25, 1.5)
"""Assumed: how much a Spot Advisor band (0: under 5 % a month ... 4: above 20 %) moves the prior."""
HOURS_UNTIL_BACK = 2.0
"""Assumed: the recorded sets have outages from minutes to days; short ones are by far the most."""
COLD_START_S = 183
"""From request to serving, measured by SkyServe's authors for a 7-billion model (arXiv 2411.01438)."""

CELL_USD_PER_HOUR: dict[Cloud, float] = {"aws": 0.151, "azure": 0.153, "gcp": 0.102}
"""Two small on-demand machines for routers, a network load balancer, a NAT gateway; list prices of US regions, from
memory, without traffic: AWS 2 x t3.medium 0.0416 + 0.0225 + 0.045; Azure 2 x B2s 0.0416 + 0.025 + 0.045;
GCP 2 x e2-medium 0.0335 + 0.025 + 0.01."""


def spot_risk(band: int | None) -> Risk:
    """The risk of a spot node, scaled by the AWS band where there is one."""
    if band is None:
        return Risk(PRIOR_LOSSES_PER_HOUR, HOURS_UNTIL_BACK, "prior: recorded spot traces")
    losses = round(PRIOR_LOSSES_PER_HOUR * BAND_FACTOR[band], 6)
    return Risk(losses, HOURS_UNTIL_BACK, f"prior: recorded spot traces, advisor band {band}")


def fallback_spend(risk: Risk, spot: int, stand_in: int) -> int:
    """What a spot node-hour is expected to cost beyond its price, micro-USD.

    While spot is gone an on-demand node (`stand_in`, micro-USD per hour, for the same capacity) runs instead; both it and
    the spot node after it are paid while they start.
    """
    cold = COLD_START_S / 3600
    each = risk.hours_until_back * max(stand_in - spot, 0) + cold * (stand_in + spot)
    return round(risk.losses_per_hour * each)
