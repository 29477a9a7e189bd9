"""A pool on Azure: one Flexible scale set per VM size, as a set has one size and one market.

A changed model is taken by machines that start from then on; running ones keep theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import compute

from allocator.plan import Member
from allocator.plan import Pool as PlanPool
from allocator.runtime import group_key
from infra import replica
from infra.cells import CellArgs, pool_zones
from infra.naming import SCALE_SET_LIMIT, fit, slug
from infra.reactors import DeclaredGroup

_ADMIN = "skyblend"
_PART = "replica"
_NETWORK_API = "2020-11-01"
"""Flexible scale sets refuse a network profile without it."""


@dataclass(frozen=True, slots=True)
class PoolArgs:
    """A pool of the plan and the cell it lives in."""

    pool: PlanPool
    cell: CellArgs
    resource_group: pulumi.Output[str]
    subnet_id: pulumi.Output[str]
    backend_pool_id: pulumi.Output[str]


class Pool(pulumi.ComponentResource):
    """Groups of like nodes; `groups` has one scale set per instance type."""

    groups: tuple[DeclaredGroup, ...]

    def __init__(
        self, name: str, args: PoolArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("skyblend:azure:Pool", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        profile = _profile(args)
        self.groups = tuple(
            DeclaredGroup(
                group_key(args.pool, member),
                _scale_set(args, member, profile=profile, opts=child).id,
                args.pool.region,
            )
            for member in args.pool.members
        )
        self.register_outputs({"groups": [group.resource for group in self.groups]})


def _scale_set(
    args: PoolArgs,
    member: Member,
    *,
    profile: compute.VirtualMachineScaleSetVMProfileArgs,
    opts: pulumi.ResourceOptions,
) -> compute.VirtualMachineScaleSet:
    pool = args.pool
    size = slug(member.instance_type.removeprefix("Standard_"))
    return compute.VirtualMachineScaleSet(
        fit(f"{pool.key}-{size}", SCALE_SET_LIMIT),
        resource_group_name=args.resource_group,
        location=pool.region,
        orchestration_mode="Flexible",
        platform_fault_domain_count=1,  # as many as the region likes; the only value beside zones
        zones=list(pool_zones(args.cell.cell, pool)) or None,
        sku=compute.SkuArgs(name=member.instance_type, tier="Standard"),
        virtual_machine_profile=profile,
        identity=compute.VirtualMachineScaleSetIdentityArgs(
            type=compute.ResourceIdentityType.USER_ASSIGNED,
            user_assigned_identities=[args.cell.notices.identity],
        ),
        tags=args.cell.owner.tags(pool.key),
        opts=opts,
    )


def _profile(args: PoolArgs) -> compute.VirtualMachineScaleSetVMProfileArgs:
    """The machine of every member: they differ in size alone."""
    image = args.cell.settings.azure.gpu_image
    spot = args.pool.role == "spot"
    return compute.VirtualMachineScaleSetVMProfileArgs(
        priority="Spot" if spot else "Regular",
        eviction_policy="Delete"
        if spot
        else None,  # a deallocated machine keeps its quota and disk
        billing_profile=compute.BillingProfileArgs(max_price=-1) if spot else None,
        storage_profile=compute.VirtualMachineScaleSetStorageProfileArgs(
            image_reference=compute.ImageReferenceArgs(
                publisher=image.publisher,
                offer=image.offer,
                sku=image.sku,
                version=image.version,
            ),
            os_disk=compute.VirtualMachineScaleSetOSDiskArgs(
                create_option="FromImage",
                delete_option="Delete",
                disk_size_gb=args.cell.settings.disk_gib,
                managed_disk=compute.VirtualMachineScaleSetManagedDiskParametersArgs(
                    storage_account_type="Premium_LRS"
                ),
            ),
        ),
        os_profile=_os_profile(args),
        network_profile=_network_profile(args),
    )


def _os_profile(args: PoolArgs) -> compute.VirtualMachineScaleSetOSProfileArgs:
    """Azure demands a key or a password; no rule lets SSH in, whoever holds the key."""
    return compute.VirtualMachineScaleSetOSProfileArgs(
        computer_name_prefix="replica-",
        admin_username=_ADMIN,
        custom_data=args.cell.notices.urls.apply(
            lambda queues: replica.user_data(args.cell.engine, args.pool, queues.split(","))
        ),
        linux_configuration=compute.LinuxConfigurationArgs(
            disable_password_authentication=True,
            ssh=compute.SshConfigurationArgs(
                public_keys=[
                    compute.SshPublicKeyArgs(
                        path=f"/home/{_ADMIN}/.ssh/authorized_keys",
                        key_data=args.cell.settings.azure.admin_ssh_key,
                    )
                ]
            ),
        ),
    )


def _network_profile(args: PoolArgs) -> compute.VirtualMachineScaleSetNetworkProfileArgs:
    address = compute.VirtualMachineScaleSetIPConfigurationArgs(
        name=_PART,
        primary=True,
        subnet=compute.ApiEntityReferenceArgs(id=args.subnet_id),
        load_balancer_backend_address_pools=[compute.SubResourceArgs(id=args.backend_pool_id)],
    )
    return compute.VirtualMachineScaleSetNetworkProfileArgs(
        network_api_version=_NETWORK_API,
        network_interface_configurations=[
            compute.VirtualMachineScaleSetNetworkConfigurationArgs(
                name=_PART, primary=True, delete_option="Delete", ip_configurations=[address]
            )
        ],
    )
