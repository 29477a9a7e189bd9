"""The reactor on Azure: a function app in up to two regions, with a store, a queue and an identity each, and what machines
need to tell it that they go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization, managedidentity, resources, storage

from infra.azure import roles
from infra.azure.events import Events, EventsArgs
from infra.azure.function import FunctionArgs, declare_function
from infra.azure.store import Store, StoreArgs
from infra.azure.telemetry import Telemetry
from infra.reactors import (
    DeclaredGroup,
    Notices,
    PlanText,
    ReactorArgs,
    ReactorComponent,
    plan_text,
)
from reactor.published import PLAN_OBJECT


@dataclass(frozen=True, slots=True)
class _Home:
    """What a region of the reactor has before the function can be there."""

    region: str
    group: resources.ResourceGroup
    store: Store
    telemetry: Telemetry
    identity: managedidentity.UserAssignedIdentity


class Reactor(ReactorComponent):
    """Machines tell the notices' queues, by their URLs."""

    def __init__(
        self, name: str, args: ReactorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("azure", name, opts)
        self._name, self._args, self._tags = name, args, args.owner.tags()
        self._child = pulumi.ResourceOptions(parent=self)
        self._homes = [self._home(region) for region in args.regions]
        self.stores = tuple(home.store.plan_url for home in self._homes)
        machines = self._identity("machines", self._homes[0])
        self._machines = machines
        self._send = self._senders("machines", machines)
        identity = pulumi.Output.all(machines.id, *(s.id for s in self._send)).apply(
            lambda known: str(known[0])  # a machine that has its identity has its role
        )
        self._apps = [self._function(home) for home in self._homes]
        self._events = self._wire()
        queues = pulumi.Output.all(*(home.store.queue_url for home in self._homes))
        self.notices = Notices(queues.apply(",".join), identity)
        self.register_outputs({"queues": self.notices.urls})

    def publish(
        self,
        groups: Sequence[DeclaredGroup],
        text: PlanText,
        *,
        addresses: Mapping[str, Sequence[pulumi.Output[str]]],
        after: Sequence[pulumi.Resource],
    ) -> None:
        cells = {group.region: group.resource.apply(roles.resource_group) for group in groups}
        allowed = [
            assignment for region in sorted(cells) for assignment in self._sizing(region, cells)
        ]
        self._events.health([cells[region] for region in sorted(cells)])
        content = plan_text(groups, text, addresses)
        for home in self._homes:
            storage.Blob(
                f"{self._name}-{home.region}-plan",
                resource_group_name=home.group.name,
                account_name=home.store.account.name,
                container_name=home.store.container.name,
                blob_name=PLAN_OBJECT,
                source=content.apply(pulumi.StringAsset),
                content_type="application/json",
                opts=pulumi.ResourceOptions(
                    parent=self, depends_on=[*self._apps, self._events, *allowed, *after]
                ),
            )

    def _home(self, region: str) -> _Home:
        name, owner = f"{self._name}-{region}", self._args.owner
        group = resources.ResourceGroup(name, location=region, tags=self._tags, opts=self._child)
        return _Home(
            region,
            group,
            Store(name, StoreArgs(group.name, region, self._args.package, owner), self._child),
            Telemetry(name, group.name, region, owner, self._child),
            managedidentity.UserAssignedIdentity(
                name,
                resource_group_name=group.name,
                location=region,
                tags=self._tags,
                opts=self._child,
            ),
        )

    def _identity(self, whose: str, home: _Home) -> managedidentity.UserAssignedIdentity:
        return managedidentity.UserAssignedIdentity(
            f"{self._name}-{whose}",
            resource_group_name=home.group.name,
            location=home.region,
            tags=self._tags,
            opts=self._child,
        )

    def _function(self, home: _Home) -> pulumi.Resource:
        client, account = home.identity.client_id, home.store.account.name
        queue_service = pulumi.Output.concat("https://", account, ".queue.core.windows.net")
        stores = pulumi.Output.all(*self.stores).apply(",".join)
        settings: dict[str, pulumi.Input[str]] = {
            "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": pulumi.Output.concat(
                "ClientId=", client, ";Authorization=AAD"
            ),
            "APPLICATIONINSIGHTS_CONNECTION_STRING": home.telemetry.connection,
            "AZURE_CLIENT_ID": client,
            "AzureWebJobsStorage__accountName": account,
            "AzureWebJobsStorage__clientId": client,
            "AzureWebJobsStorage__credential": "managedidentity",
            "NOTICES__clientId": client,
            "NOTICES__credential": "managedidentity",
            "NOTICES__queueServiceUri": queue_service,
            "SKYBLEND_STACK": self._tags["skyblend-stack"],
            "SKYBLEND_STORES": stores,
        }
        dispatch = self._args.settings.reactor.dispatch
        if dispatch and "azure" in dispatch.token_secret:
            uri = dispatch.token_secret["azure"]
            settings["SKYBLEND_DISPATCH_TOKEN"] = f"@Microsoft.KeyVault(SecretUri={uri})"
        args = FunctionArgs(
            home.group.name,
            home.region,
            home.identity,
            home.store.package_url,
            settings,
            self._args.owner,
        )
        opts = pulumi.ResourceOptions(
            parent=self, depends_on=[home.store.package, *self._own(home)]
        )
        return declare_function(f"{self._name}-{home.region}", args, opts)

    def _own(self, home: _Home) -> list[pulumi.Resource]:
        """What the function may do with what is its own, and with the plans of the other regions."""
        account = home.store.account.id
        wanted = {
            "host": (roles.BLOB_OWNER, account),
            "queues": (roles.QUEUE_CONTRIBUTOR, account),
            "telemetry": (roles.METRICS_PUBLISHER, home.telemetry.component_id),
            "machines": (roles.IDENTITY_OPERATOR, self._machines.id),
        }
        for other in self._homes:
            if other is not home:
                wanted[f"plan-{other.region}"] = (roles.BLOB_CONTRIBUTOR, other.store.container.id)
        return [
            roles.assign(
                f"{self._name}-{home.region}-{what}",
                home.identity.principal_id,
                roles.built_in(role, home.group.id),
                scope=scope,
                opts=self._child,
            )
            for what, (role, scope) in wanted.items()
        ]

    def _senders(
        self, whose: str, identity: managedidentity.UserAssignedIdentity
    ) -> list[authorization.RoleAssignment]:
        """The right to add messages to the notices' queues, and to do nothing else with them."""
        return [
            roles.assign(
                f"{self._name}-{whose}-{home.region}",
                identity.principal_id,
                roles.built_in(roles.QUEUE_SENDER, home.group.id),
                scope=home.store.queue.id,
                opts=self._child,
            )
            for home in self._homes
        ]

    def _wire(self) -> Events:
        first = self._homes[0]
        identity = self._identity("events", first)
        stores = {home.region: home.store for home in self._homes}
        args = EventsArgs(first.group.name, stores, identity.id, self._args.owner)
        senders = self._senders("events", identity)
        opts = pulumi.ResourceOptions(parent=self, depends_on=[*senders, *self._apps])
        return Events(self._name, args, opts)

    def _sizing(
        self, region: str, cells: Mapping[str, pulumi.Output[str]]
    ) -> list[pulumi.Resource]:
        """Every function may set the sizes of a cell."""
        role = roles.size_role(f"{self._name}-sizes-{region}", cells[region], self._child)
        return [
            roles.assign(
                f"{self._name}-{home.region}-sizes-{region}",
                home.identity.principal_id,
                role.id,
                scope=cells[region],
                opts=self._child,
            )
            for home in self._homes
        ]
