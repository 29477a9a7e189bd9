"""A plan that is right, by hand, and the tightest limits that it keeps: what the check of plans is tried on."""

from __future__ import annotations

from typing import Any

EAST, WEST, GCP = "aws-us-east-1", "aws-us-west-2", "gcp-us-central1"
H100, L4, L4_TP2 = "h100-tp2", "l4-tp1", "l4-tp2"
EAST_SPOT = f"{EAST}-h100x2-tp2-spot"
WEST_SPOT, WEST_SPOT_TP2 = f"{WEST}-l4x2-tp1-spot", f"{WEST}-l4x2-tp2-spot"
GCP_BASE = f"{GCP}-h100x4-tp2-base"
PRICES = {
    ("aws", "us-east-1", "p5.2", "spot"): 4.0,
    ("aws", "us-east-1", "p5.2", "on_demand"): 10.0,
    ("aws", "us-west-2", "g6.4", "spot"): 0.9,
    ("aws", "us-west-2", "g6.4", "on_demand"): None,
    ("aws", "us-west-2", "g6.2", "spot"): 0.8,
    ("aws", "us-west-2", "g6.2", "on_demand"): 2.0,
    ("gcp", "us-central1", "a3.4", "on_demand"): 20.0,
}
LIMITS: dict[str, Any] = {
    "stock": {
        f"{EAST}-h100x2-spot": 1,
        f"{WEST}-l4x2-spot": 2,
        f"{GCP}-h100x4-on_demand": 1,
    },
    "region_share": 0.5,
    "cloud_share": 0.55,
    "on_demand_floor": 1.0,
    "min_regions": 3,
    "min_clouds": 2,
    "budget_usd": 26.2,
    "cell_usd": 0.2,
    "quotas": [
        {"cloud": "aws", "region": "us-west-2", "market": "spot", "gpus": ["L4"], "unit": "gpus", "cap": 4},
        {"cloud": "aws", "region": None, "market": None, "gpus": None, "unit": "nodes", "cap": 3},
    ],
    "prices": PRICES,
    "survive": "region",
}  # fmt: skip
"""As tight as the plan below bears."""


def pool(key: str, *, nodes: int, members: dict[str, float], on_demand: float, fallback: float = 0.0) -> dict[str, Any]:  # fmt: skip
    """A pool from its key (cloud-region-gpuxcount-tp-role); money in USD."""
    place, machines, degree, role = key.rsplit("-", 3)
    cloud, region = place.split("-", 1)
    gpu, gpus = machines.split("x")
    degree = int(degree.removeprefix("tp"))
    return {
        "key": key, "cloud": cloud, "region": region, "shape": f"{gpu}-tp{degree}", "gpu": gpu.upper(),
        "gpus_per_node": int(gpus), "tensor_parallel": degree, "replicas_per_node": int(gpus) // degree,
        "role": role, "state": "active", "nodes": nodes, "max_nodes": nodes + 1,
        "members": [{"instance_type": name, "zones": [], "price_usd_micro_per_hour": round(usd * 1e6), "assumed": ""} for name, usd in members.items()],
        "price_usd_micro_per_hour": round(min(members.values()) * 1e6),
        "on_demand_usd_micro_per_hour": round(on_demand * 1e6),
        "fallback_usd_micro_per_hour": round(fallback * 1e6),
        "risk": None, "cold_start_s": 300, "limited_by": "", "why": "",
    }  # fmt: skip


def shape(key: str, *rates: float) -> dict[str, Any]:
    gpu, degree = key.split("-tp")
    return {"key": key, "gpu": gpu.upper(), "tensor_parallel": int(degree), "requests_per_second": list(rates), "origins": ["model"] * len(rates)}  # fmt: skip


def bucket(rate: float, input_tokens: int, output_tokens: int) -> dict[str, Any]:
    return {"input_tokens": input_tokens, "output_tokens": output_tokens, "input_upper": None, "output_upper": None, "requests_per_second": rate}  # fmt: skip


def cell(key: str, share_ppm: int) -> dict[str, Any]:
    cloud, region = key.split("-", 1)
    return {"key": key, "cloud": cloud, "region": region, "zones": [], "share_ppm": share_ppm}


def route(place: str, name: str, *shares: int) -> dict[str, Any]:
    return {"cell": place, "shape": name, "shares_ppm": list(shares)}


def loss(domain: str, *routing: dict[str, Any]) -> dict[str, Any]:
    return {"domain": domain, "served_ppm": 1_000_000, "routing": list(routing)}


def plan() -> dict[str, Any]:
    """A plan that is right: 4 and 2 req/s on three regions of two clouds, any one of which may go.

    One h100 replica serves exactly everything; a node of the mix's own requests/s serves 6 (east), 4 and 2.142857
    (west, whose l4-tp1 cannot do the large bucket) and 12 (gcp, two replicas).
    """
    return {
        "schema_version": 3,
        "decisions": {
            "engine": {"model": "llama-3.1-8b", "image": "some:image"},
            "buckets": [bucket(4.0, 1000, 100), bucket(2.0, 3000, 200)],
            "shapes": [shape(H100, 8.0, 4.0), shape(L4, 2.0, 0.0), shape(L4_TP2, 5.0, 1.0)],
            "cells": [cell(EAST, 166_667), cell(WEST, 366_667), cell(GCP, 466_666)],
            "pools": [
                pool(f"{EAST}-h100x2-tp2-fallback", nodes=0, members={"p5.2": 10.0}, on_demand=10.0),
                pool(EAST_SPOT, nodes=1, members={"p5.2": 4.0}, on_demand=10.0, fallback=0.1),
                pool(f"{WEST}-l4x2-tp1-fallback", nodes=0, members={"g6.2": 2.0}, on_demand=2.0),
                pool(WEST_SPOT, nodes=1, members={"g6.2": 0.8, "g6.4": 0.9}, on_demand=2.0, fallback=0.02),
                pool(f"{WEST}-l4x2-tp2-fallback", nodes=0, members={"g6.2": 2.0}, on_demand=2.0),
                pool(WEST_SPOT_TP2, nodes=1, members={"g6.2": 0.8, "g6.4": 0.9}, on_demand=2.0, fallback=0.02),
                pool(GCP_BASE, nodes=1, members={"a3.4": 20.0}, on_demand=20.0),
            ],
            "fallback": [
                {"pool": key, "stands": [{"pool": key.replace("spot", "fallback"), "nodes_ppm": 1_000_000}]}
                for key in (EAST_SPOT, WEST_SPOT, WEST_SPOT_TP2)
            ],
            "routing": [
                route(EAST, H100, 100_000, 300_000),
                route(WEST, L4, 500_000, 0),
                route(WEST, L4_TP2, 0, 100_000),
                route(GCP, H100, 400_000, 600_000),
            ],
            "survive": "region",
            "losses": [
                loss(EAST, route(WEST, L4, 500_000, 0), route(GCP, H100, 500_000, 1_000_000)),
                loss(WEST, route(EAST, H100, 500_000, 250_000), route(GCP, H100, 500_000, 750_000)),
                loss(GCP, route(EAST, H100, 250_000, 1_000_000), route(WEST, L4, 750_000, 0)),
            ],
            "hedge": [
                {"cloud": "aws", "demand": 11_520, "reserve": 32_194},
                {"cloud": "gcp", "demand": 10_080, "reserve": 33_120},
            ],
            "quota_groups": [
                {"key": "aws-us-west-2-l4", "cap": 4, "weights": [{"pool": WEST_SPOT, "amount": 2}, {"pool": WEST_SPOT_TP2, "amount": 2}]}
            ],
            "budgets": [{"cloud": "aws", "usd_micro_per_hour": 14_000_000}],
            "relaxed": [],
        },
        "money": {
            "hourly_usd_micro": 26_200_000,  # 4 + 0.8 + 0.8 + 20, and three cells at 0.2
            "cells_usd_micro": 600_000,
            "monthly_usd_micro": 19_126_000_000,
            "per_million_tokens_usd_micro": 673_868,  # 38.88 million tokens an hour
            "expected_fallback_usd_micro": 140_000,
            "same_nodes_on_demand_usd_micro": 34_000_000,
            "baselines": [],
        },
        "proof": {
            "objective_usd_micro": 26_340_000, "bound_usd_micro": 26_300_000,
            "relative_gap": 0.001518603, "limit_reached": False,
        },
        "changes": [],
        "provenance": {},
    }  # fmt: skip


def clouds_survive() -> dict[str, Any]:
    """The same plan one level up: it outlives either cloud."""
    made = plan()
    made["decisions"] |= {
        "survive": "cloud",
        "losses": [
            loss("aws", route(GCP, H100, 1_000_000, 1_000_000)),
            loss("gcp", route(EAST, H100, 1_000_000, 1_000_000)),
        ],
    }
    return made


def nothing_survives() -> dict[str, Any]:
    made = plan()
    made["decisions"] |= {"survive": "none", "losses": []}
    return made
