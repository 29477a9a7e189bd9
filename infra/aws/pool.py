"""A pool on AWS: a launch template and an Auto Scaling group over the pool's instance types.

A new template version is taken by machines that start from then on; running ones keep theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import autoscaling, ec2

from allocator.plan import Pool as PlanPool
from infra import replica
from infra.aws.balancer import Balancer
from infra.aws.network import Network
from infra.cells import CellArgs, pool_zones


@dataclass(frozen=True, slots=True)
class PoolArgs:
    """A pool of the plan and the cell it lives in."""

    pool: PlanPool
    cell: CellArgs
    network: Network
    balancer: Balancer


class Pool(pulumi.ComponentResource):
    """One group of like nodes; `group_name` is its Auto Scaling group."""

    group_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: PoolArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:aws:Pool", name, {}, opts)
        template = self._template(name, args)
        pool, cell = args.pool, args.cell.cell
        spot = pool.role == "spot"
        subnets = args.network.private_subnets
        group = autoscaling.Group(
            name,
            region=pool.region,
            min_size=0,
            max_size=pool.max_nodes,
            vpc_zone_identifiers=[subnets[zone] for zone in pool_zones(cell, pool)],
            target_group_arns=[args.balancer.target_group_arn],
            mixed_instances_policy=_policy(pool, template),
            capacity_rebalance=spot,
            health_check_type="ELB",
            health_check_grace_period=replica.START_SECONDS,
            wait_for_capacity_timeout="0",  # a dry market is no failed update
            suspended_processes=["AZRebalance"],  # it ends healthy machines to even out zones
            tags=[
                autoscaling.GroupTagArgs(key=key, value=value, propagate_at_launch=True)
                for key, value in args.cell.owner.tags(pool.key).items()
            ],
            # machines that start before the routes and the listener exist would come up broken
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.network, args.balancer]),
        )
        self.group_name = group.name
        self.register_outputs({"group_name": self.group_name})

    def _template(self, name: str, args: PoolArgs) -> ec2.LaunchTemplate:
        """No market options: a group's mixed instances policy decides the market and refuses templates that do."""
        tags = args.cell.owner.tags(args.pool.key)
        return ec2.LaunchTemplate(
            name,
            region=args.pool.region,
            image_id=args.cell.settings.aws.gpu_image,
            user_data=args.cell.notices.urls.apply(
                lambda arns: replica.user_data(args.cell.engine, args.pool, arns.split(","))
            ),
            iam_instance_profile=ec2.LaunchTemplateIamInstanceProfileArgs(
                arn=args.cell.notices.identity
            ),
            vpc_security_group_ids=[args.network.replica_group_id],
            update_default_version=True,
            metadata_options=ec2.LaunchTemplateMetadataOptionsArgs(
                http_tokens="required",
                http_put_response_hop_limit=2,  # containers are one hop further
            ),
            block_device_mappings=[
                ec2.LaunchTemplateBlockDeviceMappingArgs(
                    device_name="/dev/sda1",
                    ebs=ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                        volume_size=args.cell.settings.disk_gib,
                        volume_type="gp3",
                        encrypted="true",
                        delete_on_termination="true",
                    ),
                )
            ],
            tag_specifications=[
                ec2.LaunchTemplateTagSpecificationArgs(resource_type="volume", tags=tags)
            ],
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _policy(
    pool: PlanPool, template: ec2.LaunchTemplate
) -> autoscaling.GroupMixedInstancesPolicyArgs:
    """All spot or all on demand; members have the same GPUs, so that one node is one unit whichever it is."""
    spot = pool.role == "spot"
    distribution = autoscaling.GroupMixedInstancesPolicyInstancesDistributionArgs(
        on_demand_base_capacity=0,
        on_demand_percentage_above_base_capacity=0 if spot else 100,
        spot_allocation_strategy="price-capacity-optimized",
        on_demand_allocation_strategy="prioritized",  # the plan's order of members: cheapest first
    )
    specification = (
        autoscaling.GroupMixedInstancesPolicyLaunchTemplateLaunchTemplateSpecificationArgs(
            launch_template_id=template.id, version=template.latest_version.apply(str)
        )
    )
    return autoscaling.GroupMixedInstancesPolicyArgs(
        instances_distribution=distribution,
        launch_template=autoscaling.GroupMixedInstancesPolicyLaunchTemplateArgs(
            launch_template_specification=specification,
            overrides=[
                autoscaling.GroupMixedInstancesPolicyLaunchTemplateOverrideArgs(
                    instance_type=member.instance_type
                )
                for member in pool.members
            ],
        ),
    )
