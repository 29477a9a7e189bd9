"""A pool on GCP: a regional instance template and a regional managed instance group.

GPUs come with the machine types in use (g2, a2, a3, a4, g4), so no accelerators are asked for beside them. A new
template is taken by machines that start from then on; running ones keep theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute

from allocator.plan import Pool as PlanPool
from infra import replica
from infra.cells import CellArgs, pool_zones
from infra.naming import GCP_LIMIT, INSTANCE_PREFIX_LIMIT, TEMPLATE_PREFIX_LIMIT, fit

_HYPERDISK_ONLY = ("a3-ultragpu-", "a4-", "g4-")
"""Machine families that boot from Hyperdisk alone; the other GPU families take balanced persistent disks."""

_MORE_THAN_ZONES = 10
"""No region has as many zones."""


@dataclass(frozen=True, slots=True)
class PoolArgs:
    """A pool of the plan and the cell it lives in. `subnet` and `health_check` are self links."""

    pool: PlanPool
    cell: CellArgs
    subnet: pulumi.Output[str]
    health_check: pulumi.Output[str]
    network: pulumi.Resource


class Pool(pulumi.ComponentResource):
    """One group of like nodes; `instance_group` is what a balancer takes as backend."""

    group_name: pulumi.Output[str]
    instance_group: pulumi.Output[str]

    def __init__(
        self, name: str, args: PoolArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:gcp:Pool", name, {}, opts)
        template = self._template(name, args)
        pool = args.pool
        group = compute.RegionInstanceGroupManager(
            fit(name, GCP_LIMIT),
            project=args.cell.settings.gcp.project,
            region=pool.region,
            base_instance_name=fit(pool.key, INSTANCE_PREFIX_LIMIT),
            versions=[
                compute.RegionInstanceGroupManagerVersionArgs(instance_template=template.self_link)
            ],
            distribution_policy_zones=list(pool_zones(args.cell.cell, pool)) or None,
            distribution_policy_target_shape="BALANCED",  # EVEN stalls where one zone has no GPU
            update_policy=_update_policy(),
            auto_healing_policies=compute.RegionInstanceGroupManagerAutoHealingPoliciesArgs(
                health_check=args.health_check, initial_delay_sec=replica.START_SECONDS
            ),
            instance_flexibility_policy=_flexibility(pool),
            instance_lifecycle_policy=_any_zone(),
            all_instances_config=compute.RegionInstanceGroupManagerAllInstancesConfigArgs(
                labels=args.cell.owner.tags(
                    pool.key
                )  # the group's own: by them the reactor knows it
            ),
            wait_for_instances=False,  # a dry market is no failed update
            description=args.cell.owner.mark(pool.key),
            # machines that start before Cloud NAT exists would come up broken
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.network]),
        )
        self.group_name = group.name
        self.instance_group = group.instance_group
        self.register_outputs({"group_name": self.group_name})

    def _template(self, name: str, args: PoolArgs) -> compute.RegionInstanceTemplate:
        """Immutable: named by prefix, so that a changed one is made before the old one goes."""
        pool, settings = args.pool, args.cell.settings
        machine_type = pool.members[0].instance_type
        labels = args.cell.owner.tags(pool.key)
        return compute.RegionInstanceTemplate(
            fit(name, GCP_LIMIT),
            project=settings.gcp.project,
            region=pool.region,
            name_prefix=f"{fit(pool.key, TEMPLATE_PREFIX_LIMIT)}-",
            machine_type=machine_type,
            disks=[
                compute.RegionInstanceTemplateDiskArgs(
                    boot=True,
                    auto_delete=True,
                    source_image=settings.gcp.gpu_image,
                    disk_type=_disk_type(machine_type),
                    disk_size_gb=settings.disk_gib,
                    labels=labels,
                )
            ],
            network_interfaces=[
                compute.RegionInstanceTemplateNetworkInterfaceArgs(subnetwork=args.subnet)
            ],
            service_account=_service_account(args.cell),
            scheduling=_scheduling(pool),
            metadata={
                "user-data": args.cell.notices.urls.apply(
                    lambda urls: replica.cloud_init(args.cell.engine, pool, urls.split(","))
                ),
                "block-project-ssh-keys": "true",
            },
            labels=labels,
            description=args.cell.owner.mark(pool.key),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _service_account(cell: CellArgs) -> compute.RegionInstanceTemplateServiceAccountArgs:
    """What it may do is said by its roles, not by scopes."""
    return compute.RegionInstanceTemplateServiceAccountArgs(
        email=cell.notices.identity, scopes=["https://www.googleapis.com/auth/cloud-platform"]
    )


def _update_policy() -> compute.RegionInstanceGroupManagerUpdatePolicyArgs:
    """No redistribution, as every shape but EVEN demands.

    A bound must be 0 or at least the group's zones, which the market does not always tell; groups of fewer than 10
    machines take no percentage. https://docs.cloud.google.com/compute/docs/reference/rest/v1/regionInstanceGroupManagers
    """
    return compute.RegionInstanceGroupManagerUpdatePolicyArgs(
        type="OPPORTUNISTIC",
        minimal_action="REPLACE",
        instance_redistribution_type="NONE",
        max_surge_fixed=0,
        max_unavailable_fixed=_MORE_THAN_ZONES,
    )


def _any_zone() -> compute.RegionInstanceGroupManagerInstanceLifecyclePolicyArgs:
    """A preempted machine may come back in another zone than that which has just run dry."""
    return compute.RegionInstanceGroupManagerInstanceLifecyclePolicyArgs(
        on_repair=compute.RegionInstanceGroupManagerInstanceLifecyclePolicyOnRepairArgs(
            allow_changing_zone="YES"
        )
    )


def _scheduling(pool: PlanPool) -> compute.RegionInstanceTemplateSchedulingArgs:
    """Machines with GPUs cannot move to another host, on either market."""
    if pool.role == "spot":
        return compute.RegionInstanceTemplateSchedulingArgs(
            provisioning_model="SPOT",
            preemptible=True,
            automatic_restart=False,
            on_host_maintenance="TERMINATE",
            instance_termination_action="DELETE",  # a stopped machine's disk costs money
        )
    return compute.RegionInstanceTemplateSchedulingArgs(
        provisioning_model="STANDARD", automatic_restart=True, on_host_maintenance="TERMINATE"
    )


def _flexibility(
    pool: PlanPool,
) -> compute.RegionInstanceGroupManagerInstanceFlexibilityPolicyArgs | None:
    """Sister machine types, tried in the plan's order; a single one needs no policy."""
    if len(pool.members) == 1:
        return None
    return compute.RegionInstanceGroupManagerInstanceFlexibilityPolicyArgs(
        instance_selections=[
            compute.RegionInstanceGroupManagerInstanceFlexibilityPolicyInstanceSelectionArgs(
                name=member.instance_type, machine_types=[member.instance_type], rank=rank
            )
            for rank, member in enumerate(pool.members, start=1)
        ]
    )


def _disk_type(machine_type: str) -> str:
    return "hyperdisk-balanced" if machine_type.startswith(_HYPERDISK_ONLY) else "pd-balanced"
