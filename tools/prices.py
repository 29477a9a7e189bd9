"""Makes a market snapshot from published price tables: `python -m tools.prices build --from DIR --out FILE`.

DIR holds aws.csv, gcp.csv, azure.csv (one row per instance type and place) and aws_interruption.csv. What the
snapshot changes against the tables:
- GPU names are made equal over the clouds (A100 is A100-40GB; H100 NVL is not H100);
- AWS spot at the on-demand price means no spare capacity: no spot offer. Where Azure's table repeats the on-demand
  price or has none, spot is unknown: no spot offer;
- Azure's spot column is old: 11-13 % of on-demand for T4 and A100, where newer meters show 25 % at least. A lower
  value is raised to 25 % of on-demand, and the row says so (`spot_assumed` travels into the plan);
- Google sells A3 High below 8 GPUs as spot and flex-start only: no on-demand offer
  (https://cloud.google.com/compute/docs/accelerator-optimized-machines#a3-high-vms);
- rows that are no machine (GCP accelerators without a host), have no price, or are a fraction of a GPU are left out;
- AWS interruption bands (monthly: 0 under 5 %, 1 5-10 %, 2 10-15 %, 3 15-20 %, 4 above) join by type and region.

`left_out` counts offers: a row of a table on one market, so that a row left out is two.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

AZURE_SPOT_FLOOR = 0.25
AZURE_SPOT_ASSUMED = "spot raised to 25 % of on demand"
NEVER_ON_DEMAND = {"a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g"}
GPU_NAMES = {"A100": "A100-40GB"}
SOURCES: list[dict[str, str | None]] = [
    {"cloud": "aws", "column": "on_demand, spot", "as_of": "2026-07-20",
     "source": "skypilot-catalog v8 at 00148f2a; day not recorded, on-demand equal to karpenter-provider-aws of this date"},
    {"cloud": "aws", "column": "interruption_band", "as_of": "2025-06-28",
     "source": "AWS Spot Instance Advisor as embedded in alexei-led/spotinfo"},
    {"cloud": "gcp", "column": "on_demand, spot", "as_of": "2026-08-03",
     "source": "karpenter-provider-gcp at 373e2baa"},
    {"cloud": "azure", "column": "on_demand", "as_of": "2026-06-18",
     "source": "karpenter-provider-azure"},
    {"cloud": "azure", "column": "spot", "as_of": None,
     "source": "skypilot-catalog (fork) at 20291d7e, US regions only; older than on_demand, age unknown"},
]  # fmt: skip


def build(folder: Path) -> dict[str, Any]:
    """The snapshot as JSON-able data, rows sorted, and what was left out counted."""
    bands = {
        (row["region"], row["instance_type"]): int(row["band_index"])
        for row in _rows(folder / "aws_interruption.csv")
    }
    offerings, left_out = [], Counter[str]()
    for cloud in ("aws", "azure", "gcp"):
        for row in _rows(folder / f"{cloud}.csv"):
            reason = _unusable(row)
            if reason:
                left_out[f"{cloud}: {reason}"] += 2
                continue
            if row["instance_type"] in NEVER_ON_DEMAND and row["on_demand_usd_hr"]:
                left_out[f"{cloud}: not sold on demand"] += 1
                row["on_demand_usd_hr"] = ""
            offerings.append(_offering(row, bands))
    offerings.sort(key=lambda o: (o["cloud"], o["region"], o["instance_type"], o["zones"]))
    return {
        "schema_version": 1,
        "as_of": min(
            s["as_of"] for s in SOURCES if s["as_of"] and s["column"] != "interruption_band"
        ),
        "currency": "USD per hour and node, Linux, before tax",
        "sources": SOURCES,
        "left_out": dict(sorted(left_out.items())),
        "offerings": offerings,
    }


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _unusable(row: dict[str, str]) -> str:
    if "accelerator only" in row["instance_type"]:
        return "accelerator without a host"
    if "+" in row["instance_type"]:
        return "accelerator attached to a general machine"
    if float(row["gpu_count"]) < 1:
        return "fraction of a GPU"
    if not row["on_demand_usd_hr"] and not row["spot_usd_hr"]:
        return "no price"
    return ""


def _offering(row: dict[str, str], bands: dict[tuple[str, str], int]) -> dict[str, Any]:
    on_demand = float(row["on_demand_usd_hr"]) if row["on_demand_usd_hr"] else None
    spot, assumed, note = _spot(row, on_demand)
    return {
        "cloud": row["cloud"],
        "region": row["region"],
        "zones": _zones(row),
        "instance_type": row["instance_type"],
        "gpu": _gpu(row),
        "gpus": int(row["gpu_count"]),
        "vcpus": int(row["vcpus"]),
        "on_demand_usd": on_demand,
        "spot_usd": spot,
        "interruption_band": bands.get((row["region"], row["instance_type"]))
        if row["cloud"] == "aws"
        else None,
        **({"spot_assumed": assumed} if assumed else {}),
        "note": note,
    }


def _zones(row: dict[str, str]) -> list[str]:
    if row["cloud"] == "gcp":
        return [f"{row['region']}-{letter}" for letter in row["zone"].split("|") if letter]
    return [row["zone"]] if row["zone"] else []


def _gpu(row: dict[str, str]) -> str:
    if row["gpu"] == "H100" and float(row["gpu_mem_gib_total"]) / int(row["gpu_count"]) > 90:
        return "H100-NVL"
    return GPU_NAMES.get(row["gpu"], row["gpu"])


def _spot(row: dict[str, str], on_demand: float | None) -> tuple[float | None, str, str]:
    """Price, what it assumes, note."""
    if not row["spot_usd_hr"]:
        return None, "", "no spot price published"
    if "spot_equals_on_demand" in row["note"]:
        return None, "", "spot equals on demand: none spare, or unknown"
    spot = float(row["spot_usd_hr"])
    if row["cloud"] == "azure" and on_demand and spot < AZURE_SPOT_FLOOR * on_demand:
        raised = round(AZURE_SPOT_FLOOR * on_demand, 6)
        return raised, AZURE_SPOT_ASSUMED, f"published: {spot}"
    return spot, "", ""


def write(snapshot: dict[str, Any], out: Path) -> None:
    """One offering a line, so that a refresh reads well in a review."""
    head = {name: value for name, value in snapshot.items() if name != "offerings"}
    lines = ",\n".join(json.dumps(o) for o in snapshot["offerings"])
    text = json.dumps(head, indent=1)[:-2] + ',\n "offerings": [\n' + lines + "\n]}\n"
    out.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.prices", description=__doc__.split("\n")[0]
    )
    parser.add_argument("verb", choices=("build",))
    parser.add_argument("--from", dest="folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    try:
        snapshot = build(args.folder)
        write(snapshot, args.out)
    except KeyError as column:
        sys.exit(f"error: price tables in {args.folder}: no column {column}")
    except (OSError, ValueError) as error:
        sys.exit(f"error: price tables in {args.folder}: {error}")
    print(f"{args.out}: {len(snapshot['offerings'])} offerings; left out: {snapshot['left_out']}")


if __name__ == "__main__":
    main()
