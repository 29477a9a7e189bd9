"""The function app of a region: Flex Consumption, one instance always ready, as a notice leaves no time for a cold start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import managedidentity, web

from infra.naming import FUNCTION_APP_LIMIT, Owner, fit

_PYTHON = "3.13"
_MEMORY_MB = 512
_MOST_INSTANCES = 40
"""The least that Azure takes as the most. More than one works at a time only in a storm; each sets the same sizes."""
_QUEUE_FUNCTION = "function:notices"


@dataclass(frozen=True, slots=True)
class FunctionArgs:
    """As whom it acts, where its package is, and its own settings."""

    resource_group: pulumi.Output[str]
    region: str
    identity: managedidentity.UserAssignedIdentity
    package_url: pulumi.Output[str]
    settings: Mapping[str, pulumi.Input[str]]
    owner: Owner


def declare_function(name: str, args: FunctionArgs, opts: pulumi.ResourceOptions) -> web.WebApp:
    """The plan and the app. `opts` must hold it back until its identity has its roles."""
    plan = web.AppServicePlan(
        name,
        resource_group_name=args.resource_group,
        location=args.region,
        kind="functionapp",
        reserved=True,  # Linux
        sku=web.SkuDescriptionArgs(name="FC1", tier="FlexConsumption"),
        tags=args.owner.tags(),
        opts=pulumi.ResourceOptions(parent=opts.parent),
    )
    settings = sorted(args.settings.items())
    return web.WebApp(
        fit(name, FUNCTION_APP_LIMIT),
        resource_group_name=args.resource_group,
        location=args.region,
        kind="functionapp,linux",
        server_farm_id=plan.id,
        https_only=True,
        public_network_access="Disabled",  # everything comes through the queue
        key_vault_reference_identity=args.identity.id,
        identity=web.ManagedServiceIdentityArgs(
            type=web.ManagedServiceIdentityType.USER_ASSIGNED,
            user_assigned_identities=[args.identity.id],
        ),
        function_app_config=_config(args),
        site_config=web.SiteConfigArgs(
            app_settings=[web.NameValuePairArgs(name=k, value=v) for k, v in settings],
            ftps_state="Disabled",
            min_tls_version="1.2",
        ),
        tags=args.owner.tags(),
        opts=opts,
    )


def _config(args: FunctionArgs) -> web.FunctionAppConfigArgs:
    return web.FunctionAppConfigArgs(
        deployment=web.FunctionsDeploymentArgs(
            storage=web.FunctionsDeploymentStorageArgs(
                type="blobContainer",
                value=args.package_url,
                authentication=web.FunctionsDeploymentStorageAuthenticationArgs(
                    type="UserAssignedIdentity",
                    user_assigned_identity_resource_id=args.identity.id,
                ),
            )
        ),
        runtime=web.FunctionsRuntimeArgs(name="python", version=_PYTHON),
        scale_and_concurrency=web.FunctionsScaleAndConcurrencyArgs(
            instance_memory_mb=_MEMORY_MB,
            maximum_instance_count=_MOST_INSTANCES,
            always_ready=[
                web.FunctionsAlwaysReadyConfigArgs(name=_QUEUE_FUNCTION, instance_count=1)
            ],
        ),
    )
