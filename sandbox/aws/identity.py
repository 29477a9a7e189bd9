"""AWS's identities: roles with their policies, and the profiles by which machines take a role."""

from __future__ import annotations

from typing import Any

from sandbox.aws.lookup import INSTANCE_PROFILE, ROLE, ROLE_POLICY
from sandbox.aws.members import pairs, same, unpaired
from sandbox.aws.naming import NamedKind
from sandbox.aws.policies import Ask, allows, check_document
from sandbox.aws.row import PROVIDER
from sandbox.fields import Json, member
from sandbox.kind import UPDATE, Autoname, Context, Request
from sandbox.refusal import Refusal
from sandbox.world import Record

TAGS = member("Tags", pairs, unpaired)
_TAKEN = "EntityAlreadyExists"


class IamKind(NamedKind):
    """A row of IAM, which knows no regions."""

    provider_only = frozenset()
    replace_on = frozenset({"name", "namePrefix", "path"})
    autoname = Autoname(longest=64, unless=("namePrefix",))

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = self.claim(ctx, body)
        return self.add(ctx, name, body, name=name, unique=f"A{ctx.world.new_hex(20).upper()}")

    def rivals(self, other: Record, body: Json) -> bool:
        return True

    def outputs(self, ctx: Context, record: Record) -> Json:
        out = super().outputs(ctx, record)
        del out["region"]
        return out | {"name": record.name, "uniqueId": record.live["unique"]}


class Role(IamKind):
    """A role."""

    token = "aws:iam/role:Role"
    name = ROLE
    api = "iam.CreateRole"
    update_api = "iam.UpdateRole"
    ident = named_by = "RoleName"
    taken = (_TAKEN, "Role with name {name} already exists.")
    fields = {
        **same("description", "maxSessionDuration", "path", "permissionsBoundary"),
        "assumeRolePolicy": member("AssumeRolePolicyDocument"),
        "name": member("RoleName"),
        "namePrefix": member(f"{PROVIDER}.namePrefix"),
        "tags": TAGS,
    }
    provider_only = frozenset({"forceDetachPolicies"})
    left_out = frozenset({"inlinePolicies", "managedPolicyArns"})
    computed = ("arn", "name", "tagsAll", "uniqueId")
    held_by = frozenset({ROLE_POLICY, INSTANCE_PROFILE})

    def requests(self, body: Json, verb: str) -> list[Request]:
        calls = super().requests(body, verb)
        if verb == UPDATE:
            params = {"PolicyDocument": body["AssumeRolePolicyDocument"]}
            calls.append(self._call("iam.UpdateAssumeRolePolicy", params, body))
        return calls

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        check_document(body["AssumeRolePolicyDocument"], resource=True)

    def held(self, record: Record) -> Refusal:
        return Refusal(
            "DeleteConflict",
            "Cannot delete entity, must delete policies and remove roles from instance profile first.",
        )

    def outputs(self, ctx: Context, record: Record) -> Json:
        return super().outputs(ctx, record) | {"arn": role_arn(ctx, record)}


class RolePolicy(IamKind):
    """A policy inside a role."""

    token = "aws:iam/rolePolicy:RolePolicy"
    name = ROLE_POLICY
    api = update_api = "iam.PutRolePolicy"
    ident = "RoleName"
    named_by = "PolicyName"
    fields = {
        "name": member("PolicyName"),
        "namePrefix": member(f"{PROVIDER}.namePrefix"),
        "policy": member("PolicyDocument"),
        "role": member("RoleName"),
    }
    replace_on = frozenset({"name", "namePrefix", "role"})
    computed = ("name",)

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        check_document(body["PolicyDocument"], resource=False)

    def parents(self, body: Json) -> list[str]:
        return [body["RoleName"]]

    def point(self, ctx: Context, body: Json) -> None:
        need_role(ctx, body["RoleName"])

    def rivals(self, other: Record, body: Json) -> bool:
        """Policies have their names within their role, and a second one takes the place of the first."""
        return False

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        name = self.claim(ctx, body)
        return self.add(ctx, f"{body['RoleName']}:{name}", body, name=name)

    def outputs(self, ctx: Context, record: Record) -> Json:
        return {"name": record.name}


class InstanceProfile(IamKind):
    """What gives a machine its role."""

    token = "aws:iam/instanceProfile:InstanceProfile"
    name = INSTANCE_PROFILE
    api = "iam.CreateInstanceProfile"
    ident = named_by = "InstanceProfileName"
    taken = (_TAKEN, "Instance Profile {name} already exists.")
    also = ("AddRoleToInstanceProfile",)
    fields = {
        **same("path"),
        "name": member("InstanceProfileName"),
        "namePrefix": member(f"{PROVIDER}.namePrefix"),
        "role": member("AddRoleToInstanceProfile.RoleName"),
        "tags": TAGS,
    }
    autoname = Autoname(longest=128, unless=("namePrefix",))
    computed = ("arn", "name", "tagsAll", "uniqueId")

    def parents(self, body: Json) -> list[str]:
        return [body["AddRoleToInstanceProfile"]["RoleName"]] if _has_role(body) else []

    def point(self, ctx: Context, body: Json) -> None:
        for role in self.parents(body):
            need_role(ctx, role)

    def outputs(self, ctx: Context, record: Record) -> Json:
        path = record.body.get("Path", "/")
        arn = f"arn:aws:iam::{ctx.account}:instance-profile{path}{record.name}"
        return super().outputs(ctx, record) | {"arn": arn}


def _has_role(body: Json) -> bool:
    return "AddRoleToInstanceProfile" in body


def role_arn(ctx: Context, role: Record) -> str:
    """A role's ARN."""
    return f"arn:aws:iam::{ctx.account}:role{role.body.get('Path', '/')}{role.name}"


def need_role(ctx: Context, name: str) -> Record:
    """The role of a name."""
    gone = Refusal("NoSuchEntity", f"The role with name {name} cannot be found.")
    return ctx.need(ROLE, name, gone)


def session(ctx: Context, role_name: str, who: str) -> str:
    """The principal of somebody who has taken a role."""
    return f"arn:aws:sts::{ctx.account}:assumed-role/{role_name}/{who}"


def root(ctx: Context) -> str:
    """The principal that may do everything."""
    return f"arn:aws:iam::{ctx.account}:root"


def trusts(role: Record, service: str) -> bool:
    """Whether a service may take a role."""
    ask = Ask("sts:AssumeRole", "*", service=service)
    return allows([role.body["AssumeRolePolicyDocument"]], ask)


def permitted(ctx: Context, principal: str, ask: Ask) -> bool:
    """Whether a principal may do what it asks for, by the policies of its role."""
    if principal == root(ctx):
        return True
    role = ctx.world.get(ctx.cloud, ROLE, principal.split("/")[1]) if "/" in principal else None
    return role is not None and role_permits(ctx, role, ask)


def role_permits(ctx: Context, role: Record, ask: Ask) -> bool:
    """Whether the policies of a role allow it."""
    documents = [
        policy.body["PolicyDocument"]
        for policy in ctx.world.children(role)
        if policy.kind == ROLE_POLICY
    ]
    return allows(documents, ask)


def taken_by(ctx: Context, arn: Any, service: str) -> Record | None:
    """The role of an ARN, if a service may take it."""
    role = ctx.world.get(ctx.cloud, ROLE, str(arn).rsplit("/", 1)[-1])
    return role if role and role_arn(ctx, role) == arn and trusts(role, service) else None
