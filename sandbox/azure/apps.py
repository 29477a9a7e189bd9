"""Plans and the function apps on them."""

from __future__ import annotations

from sandbox.azure.arm import ArmKind, known_items, known_value, look
from sandbox.fields import UNKNOWN, Json, get
from sandbox.kind import Context
from sandbox.refusal import Refusal
from sandbox.world import Record

PLANS = "Microsoft.Web/serverfarms"
SITES = "Microsoft.Web/sites"
FLEX = "FC1"
_NOT_ON_FLEX = frozenset(
    {
        "FUNCTIONS_EXTENSION_VERSION",
        "FUNCTIONS_WORKER_PROCESS_COUNT",
        "FUNCTIONS_WORKER_RUNTIME",
        "FUNCTIONS_WORKER_RUNTIME_VERSION",
        "SCM_DO_BUILD_DURING_DEPLOYMENT",
        "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
        "WEBSITE_CONTENTSHARE",
        "WEBSITE_RUN_FROM_PACKAGE",
    }
)
"""Settings that a Flex Consumption app has in `functionAppConfig` instead, and that it refuses."""


class AppServicePlan(ArmKind):
    """Where apps run."""

    token = "azure-native:web:AppServicePlan"
    name = PLANS
    name_input = "name"
    fixed = frozenset({"location"})
    most_name = 60
    computed = ("type", "provisioningState", "status")
    busy = ("Conflict", "Server farm '{name}' cannot be deleted because it has web app(s) {users} assigned to it.")  # fmt: skip

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if known_value(body, "sku.name") == FLEX and look(body, "properties.reserved") not in (
            True,
            UNKNOWN,
        ):
            raise Refusal("BadRequest", "The Flex Consumption plan is for Linux: 'reserved' must be true.")  # fmt: skip

    def outputs(self, ctx: Context, record: Record) -> Json:
        return {"type": self.name, "provisioningState": "Succeeded", "status": "Ready"}


class WebApp(ArmKind):
    """A function app, or another. Its host name is nobody else's."""

    token = "azure-native:web:WebApp"
    name = SITES
    name_input = "name"
    fixed = frozenset({"location"})
    most_name = 60
    computed = ("type", "defaultHostName", "state")

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        if look(body, "properties.functionAppConfig") is None:
            return
        for setting in known_items(body, "properties.siteConfig.appSettings"):
            if setting.get("name") in _NOT_ON_FLEX:
                raise Refusal("BadRequest", f"The following app setting (Site.SiteConfig.AppSettings.{setting['name']}) for Flex Consumption sites is invalid. Please remove or rename it before retrying.")  # fmt: skip
        memory = known_value(body, "properties.functionAppConfig.scaleAndConcurrency.instanceMemoryMB")  # fmt: skip
        if memory not in (None, 512, 2048, 4096):
            raise Refusal("BadRequest", f"instanceMemoryMB {memory} is not one of 512, 2048, 4096.")

    def settle(self, ctx: Context, record: Record) -> None:
        for other in ctx.world.all(ctx.cloud, self.name):
            if other.id != record.id and other.name == record.name:
                raise Refusal("Conflict", f"Website with given name {record.name} already exists.")
        plan_id = get(record.body, "properties.serverFarmId")
        if plan_id:
            gone = Refusal("NotFound", f"Server farm '{plan_id}' was not found.")
            plan = ctx.need(PLANS, plan_id, gone)
            flex = get(plan.body, "sku.name") == FLEX
            if flex != (get(record.body, "properties.functionAppConfig") is not None):
                raise Refusal("BadRequest", "functionAppConfig is for apps on a Flex Consumption plan, and they need it.")  # fmt: skip
            record.parents.append(plan.id)
        ctx.world.wake(record, ctx.world.clock.now())

    def outputs(self, ctx: Context, record: Record) -> Json:
        host = f"{record.name}.azurewebsites.net"
        return {"type": self.name, "defaultHostName": host, "state": "Running"}
