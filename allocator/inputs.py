"""Read and freeze: everything that a plan is made from, checked and named, before anything is decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from allocator.candidates import ROLES, Candidate, allowed, candidates, wanted_shapes
from allocator.errors import InfeasibleError, SpecError, unknown
from allocator.observed import Observed, read_observed
from allocator.plan import Bucket, Decisions, Engine, Provenance, Shape, digest_of
from allocator.profile.capacity import Slo
from allocator.profile.fitted import FITTED, Fitted, read_fitted
from allocator.profile.measured import Table, read_table
from allocator.profile.service import served
from allocator.profile.shapes import shapes
from allocator.snapshot import Offering, read_snapshot
from allocator.spec import Spec
from allocator.stand_ins import with_fallback_spend
from allocator.workload import buckets, read_histogram


@dataclass(frozen=True, slots=True)
class Inputs:
    """The spec, what the market offers within it, the demand, and where all of it comes from."""

    spec: Spec
    engine: Engine
    buckets: tuple[Bucket, ...]
    candidates: tuple[Candidate, ...]
    offerings: tuple[Offering, ...]
    tables: tuple[Table, ...]
    fitted: Fitted
    observed: Observed | None
    provenance: Provenance

    def provenance_of(self, made: Decisions) -> Provenance:
        """With the measured tables and the fit that the decisions rest on."""
        origins = {origin for shape in made.shapes for origin in shape.origins}
        used = [t.source for t in self.tables if f"measured:{t.source.name}" in origins]
        if self.fitted.source and self.fitted.origin in origins:
            used.append(self.fitted.source)
        return replace(self.provenance, profiles=tuple(used))


def read_inputs(config: Mapping[str, Any], root: Path, without: str = "") -> Inputs:
    """From a stack's configuration sections and the files that it names below `root`.

    `without`: a GPU, a cloud or a region's key (aws-us-east-1) that is left out, for the sake of a question.

    Raises AllocatorError (SpecError, DataError, InfeasibleError), each with one line for the reader.
    """
    spec = Spec.read(config)
    stacks = root / "stacks"
    snapshot = read_snapshot(_named(stacks / "snapshots", spec.market.snapshot, "market.snapshot"))
    histogram, workload = read_histogram(
        _named(stacks / "workloads", spec.workload.histogram, "workload.histogram")
    )
    serve = served(spec.service, root)
    tables = tuple(read_table(file) for file in sorted((stacks / "profiles").glob("*.json")))
    fitted = read_fitted(stacks / FITTED)
    traffic = buckets(histogram, spec.workload.requests_per_second)
    observed = None
    if spec.market.observed is not None:
        observed = read_observed(
            _named(stacks / "observed", spec.market.observed, "market.observed")
        )
    offerings, dropped = allowed(spec, snapshot, observed.unreachable if observed else ())
    if without:
        offerings = [
            o for o in offerings if without not in (o.gpu, o.cloud, f"{o.cloud}-{o.region}")
        ]
    slo = Slo(**spec.service.slo.model_dump())
    replicas = [serve.replica(gpu, degree) for gpu, degree in wanted_shapes(offerings)]
    made = shapes(replicas, traffic, slo, tables, fitted)
    pools, unsold = candidates(spec, offerings, made)
    pools = observed.within(pools) if observed else pools
    _check_served(spec, traffic, pools, made)
    return Inputs(
        spec=spec,
        engine=serve.engine,
        buckets=traffic,
        candidates=tuple(with_fallback_spend(pools, traffic)),
        offerings=tuple(offerings),
        tables=tables,
        fitted=fitted,
        observed=observed,
        provenance=Provenance(
            allocator_version=version("skyblend"),
            spec_digest=digest_of(spec.model_dump(mode="json")),
            snapshot=snapshot.source,
            workload=workload,
            profiles=(),
            offers=len(snapshot.offerings) * len(ROLES),
            dropped=tuple(sorted([*dropped, *unsold], key=lambda count: count.reason)),
            left_out=snapshot.left_out,
            observed=observed.source if observed else None,
        ),
    )


def _named(folder: Path, name: str, key: str) -> Path:
    known = {path.stem: path for path in folder.glob("*.json")}
    if name not in known:
        raise SpecError(f"config skyblend:{key}: {unknown(key.rsplit('.', 1)[-1], name, known)}")
    return known[name]


def _check_served(
    spec: Spec, traffic: tuple[Bucket, ...], pools: Sequence[Candidate], made: tuple[Shape, ...]
) -> None:
    """The market offers something, every bucket has a shape that serves it, and somebody sells that."""
    if not made:
        raise InfeasibleError(
            "market.* leaves no offer at all; allow more clouds, regions or GPUs, or a higher price"
        )
    for number, bucket in enumerate(traffic):
        if any(pool.shape.requests_per_second[number] for pool in pools):
            continue
        size = f"requests of {bucket.input_tokens} input and {bucket.output_tokens} output tokens"
        if any(shape.requests_per_second[number] for shape in made):
            raise InfeasibleError(
                f"no offer within market.* can serve {size}; allow more GPUs, regions or a higher price"
            )
        reasons = Counter(shape.origins[number] for shape in made)
        why = reasons.most_common(1)[0][0] if reasons else "no allowed GPU is profiled"
        slo = spec.service.slo
        raise InfeasibleError(
            f"no allowed GPU serves {size} of {spec.service.model} within tpot_ms {slo.tpot_ms:g} and ttft_ms "
            f"{slo.ttft_ms:g} ({why}); raise the SLO or allow larger GPUs"
        )
