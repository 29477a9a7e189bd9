"""Managed identities, roles and who has which where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sandbox.azure.arm import ArmKind, group_id, known_items, known_value
from sandbox.azure.builtin_roles import BUILT_IN
from sandbox.fields import UNKNOWN, Json
from sandbox.kind import Autoname, Context
from sandbox.refusal import Refusal
from sandbox.world import Record

TENANT = "99999999-8888-7777-6666-555555555555"


class UserAssignedIdentity(ArmKind):
    """A principal that machines and apps can act as."""

    token = "azure-native:managedidentity:UserAssignedIdentity"
    name = "Microsoft.ManagedIdentity/userAssignedIdentities"
    name_input = "resourceName"
    fixed = frozenset({"location"})
    most_name = 128
    computed = ("name", "type", "principalId", "clientId", "tenantId")

    def settle(self, ctx: Context, record: Record) -> None:
        for fact in ("principalId", "clientId"):
            record.live.setdefault(fact, uuid(ctx))

    def outputs(self, ctx: Context, record: Record) -> Json:
        live = {fact: record.live[fact] for fact in ("principalId", "clientId")}
        return {"name": record.name, "type": self.name, "tenantId": TENANT} | live


class _Scoped(ArmKind):
    """Something that hangs on a subscription, a resource group or a resource; its name is a UUID."""

    name = "Microsoft.Authorization"
    name_input = "name"
    path_inputs = ("scope",)
    computed: ClassVar[tuple[str, ...]] = ("name", "type")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.autoname = Autoname(cls.name_input, "", 32, 32)

    def arm_id(self, ctx: Context, inputs: Json) -> str:
        scope = inputs["scope"].rstrip("/")
        whole = scope if scope.startswith("/") else f"/{scope}"
        return f"{whole}/providers/{self.name}/{inputs[self.name_input]}"

    def _home(self, ctx: Context, record_id: str) -> Record:
        """The scope; a subscription is always there."""
        scope = record_id.split(f"/providers/{self.name}/")[0]
        for record in ctx.world.all(ctx.cloud):
            if record.id == scope:
                return record
        if scope == group_id(ctx.account, "").split("/resourceGroups/")[0]:
            return Record(ctx.cloud, "Microsoft.Resources/subscriptions", scope, "", {})
        raise Refusal("ResourceNotFound", f"The scope '{scope}' was not found.")

    def outputs(self, ctx: Context, record: Record) -> Json:
        return {"name": record.name, "type": self.name}


class RoleDefinition(_Scoped):
    """What a role allows, and where it may be assigned."""

    token = "azure-native:authorization:RoleDefinition"
    name = "Microsoft.Authorization/roleDefinitions"
    name_input = "roleDefinitionId"
    busy = (
        "RoleDefinitionHasAssignments",
        "There are existing role assignments referencing role (code: {name}): {users}.",
    )

    renamed: ClassVar[Mapping[str, str]] = {"roleType": "type"}

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        for permission in known_items(body, "properties.permissions"):
            for action in known_value(permission, "actions") or ():
                if "/" not in action and action not in ("*", UNKNOWN):
                    raise Refusal("InvalidActionOrNotAction", f"'{action}' does not match any of the actions supported by the providers.")  # fmt: skip
        if known_value(body, "properties.assignableScopes") == []:
            raise Refusal("RoleDefinitionAssignableScopesEmpty", "The role definition must have at least one assignable scope.")  # fmt: skip


class RoleAssignment(_Scoped):
    """A principal has a role at a scope and below."""

    token = "azure-native:authorization:RoleAssignment"
    name = "Microsoft.Authorization/roleAssignments"
    name_input = "roleAssignmentName"

    def settle(self, ctx: Context, record: Record) -> None:
        given = record.body["properties"]
        role = given["roleDefinitionId"]
        defined = ctx.world.get(ctx.cloud, RoleDefinition.name, role)
        if defined is None and role.rsplit("/", 1)[-1] not in BUILT_IN:
            raise Refusal("RoleDefinitionDoesNotExist", f"The specified role definition with ID '{role}' does not exist.")  # fmt: skip
        if defined:
            scopes = defined.body["properties"].get("assignableScopes") or []
            if not any(record.id.startswith(f"{scope.rstrip('/')}/") for scope in scopes):
                raise Refusal("RoleNotAssignableAtScope", f"The role '{role}' is not assignable at '{record.id}'.")  # fmt: skip
            record.parents.append(defined.id)
        identities = ctx.world.all(ctx.cloud, UserAssignedIdentity.name)
        if all(i.live["principalId"] != given["principalId"] for i in identities):
            raise Refusal("PrincipalNotFound", f"Principal {given['principalId']} does not exist in the directory {TENANT}.")  # fmt: skip
        for other in ctx.world.all(ctx.cloud, self.name):
            same = all(other.body["properties"][name] == given[name] for name in ("principalId", "roleDefinitionId"))  # fmt: skip
            if same and other.id != record.id and other.parents[:1] == record.parents[:1]:
                raise Refusal("RoleAssignmentExists", "The role assignment already exists.")


def uuid(ctx: Context) -> str:
    """A fresh one."""
    digits = ctx.world.new_hex(32)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
