"""Identities and who may do what: service accounts, custom roles, and members of roles on a resource."""

from __future__ import annotations

import re
from typing import ClassVar

from sandbox.fields import Json, member
from sandbox.gcp import refusals
from sandbox.gcp.rest import (
    ACCOUNT,
    BUCKET,
    FUNCTION,
    MEMBER,
    ROLE,
    SUBSCRIPTION,
    TOPIC,
    Reference,
    RestResource,
)
from sandbox.gcp.shapes import known, same
from sandbox.kind import Autoname, Context, Request
from sandbox.world import Record

_ACCOUNT_ID = re.compile(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])")
_ROLE_ID = re.compile(r"[a-zA-Z0-9_.]{3,64}")
_MEMBER = re.compile(r"(?:allUsers|allAuthenticatedUsers|(?:serviceAccount|user|group|domain):\S+)")
NUMBER = "424242424242"
"""The one project's number."""


def email(project: str, account_id: str) -> str:
    """The address of a service account."""
    return f"{account_id}@{project}.iam.gserviceaccount.com"


class ServiceAccount(RestResource):
    """An account that programs act as."""

    token = "gcp:serviceaccount/account:Account"
    name = ACCOUNT
    api = "iam.projects.serviceAccounts.create"
    update_api = "iam.projects.serviceAccounts.patch"
    fields = {
        **same("accountId"),
        "displayName": member("serviceAccount.displayName"),
        "description": member("serviceAccount.description"),
    }
    provider_only = frozenset({"createIgnoreAlreadyExists", "disabled"})
    replace_on = frozenset({"accountId"})
    autoname = Autoname(field="accountId", longest=30, lower=True)
    computed = ("email", "member", "name", "uniqueId")

    def requests(self, body: Json, verb: str) -> list[Request]:
        if verb == "create":
            return super().requests(body, verb)
        account = body.get("serviceAccount", {})
        return [
            Request(self.update_api, {"serviceAccount": account, "updateMask": ",".join(account)})
        ]

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        name = body.get("accountId")
        if known(name) and not _ACCOUNT_ID.fullmatch(name):
            raise refusals.by_provider(
                f'"account_id" ("{name}") doesn\'t match regexp "^{_ACCOUNT_ID.pattern}$"'
            )

    def id_of(self, ctx: Context, body: Json) -> str:
        return f"projects/{ctx.account}/serviceAccounts/{email(ctx.account, body['accountId'])}"

    def extra(self, record: Record) -> Json:
        address = record.id.rsplit("/", 1)[-1]
        return {
            "email": address,
            "member": f"serviceAccount:{address}",
            "name": record.id,
            "uniqueId": str(10**20 + record.serial),
        }


class CustomRole(RestResource):
    """A role with the permissions that the project chose."""

    token = "gcp:projects/iAMCustomRole:IAMCustomRole"
    name = ROLE
    path = "projects/{project}/roles/{roleId}"
    api = "iam.projects.roles.create"
    update_api = "iam.projects.roles.patch"
    fields = {
        **same("roleId"),
        "permissions": member("role.includedPermissions"),
        **{name: member(f"role.{name}") for name in ("title", "description", "stage")},
    }
    replace_on = frozenset({"roleId"})
    autoname = Autoname(field="roleId", separator="_", longest=64)
    computed = ("deleted", "name")

    def requests(self, body: Json, verb: str) -> list[Request]:
        return (
            [Request(self.api, body)]
            if verb == "create"
            else [Request(self.update_api, body["role"])]
        )

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        name = body.get("roleId")
        if known(name) and not _ROLE_ID.fullmatch(name):
            raise refusals.by_provider(
                f'"role_id" ("{name}") doesn\'t match regexp "^{_ROLE_ID.pattern}$"'
            )

    def extra(self, record: Record) -> Json:
        return {"deleted": False, "name": record.id}


class ServiceIdentity(RestResource):
    """The account that a service of Google's acts as in the project; there from then on."""

    token = "gcp:projects/serviceIdentity:ServiceIdentity"
    name = "serviceusage.identities"
    path = "projects/{project}/services/{service}"
    api = "serviceusage.services.generateServiceIdentity"
    fields = same("service")
    replace_on = frozenset({"service"})
    computed = ("email", "member")

    def requests(self, body: Json, verb: str) -> list[Request]:
        return [Request(self.api, {})]

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        """One that is there already is what was asked for."""
        return ctx.world.get(ctx.cloud, self.name, self.id_of(ctx, body)) or super().create(
            ctx, body, inputs
        )

    def extra(self, record: Record) -> Json:
        service = str(record.body["service"]).removesuffix(".googleapis.com")
        address = f"service-{NUMBER}@gcp-sa-{service}.iam.gserviceaccount.com"
        return {"email": address, "member": f"serviceAccount:{address}"}


class RoleMember(RestResource):
    """One member of one role on one resource; other members of the policy stay as they are."""

    target: ClassVar[str] = "project"
    computed: ClassVar[tuple[str, ...]] = ("etag",)

    def __init_subclass__(cls) -> None:
        cls.fields = same(cls.target, "role", "member", "condition")
        cls.replace_on = frozenset(cls.fields)
        cls.name = f"{MEMBER}.{cls.target}"
        super().__init_subclass__()

    def requests(self, body: Json, verb: str) -> list[Request]:
        """The policy of the resource is read, changed and set as a whole."""
        condition = {"condition": body["condition"]} if "condition" in body else {}
        bindings = [{"role": body["role"], "members": [body["member"]], **condition}]
        policy = {"bindings": bindings}
        return [
            Request(self.api, policy if self.api.startswith("storage.") else {"policy": policy})
        ]

    def rules(self, ctx: Context, body: Json, verb: str) -> None:
        who = body.get("member")
        if known(who) and not _MEMBER.fullmatch(who):
            raise refusals.error(400, f"Invalid principal: {who}", "badRequest")

    def held(self, ctx: Context, body: Json) -> list[str]:
        """The resource, and a custom role or service account of this project, must exist."""
        role, who = str(body["role"]), str(body["member"]).removeprefix("serviceAccount:")
        if role.startswith("projects/"):
            ctx.need(
                ROLE,
                role,
                refusals.error(
                    400, f"Role ({role}) does not exist in the resource's hierarchy.", "badRequest"
                ),
            )
        account = f"projects/{ctx.account}/serviceAccounts/{who}"
        if who.endswith(f"@{ctx.account}.iam.gserviceaccount.com"):
            ctx.need(
                ACCOUNT,
                account,
                refusals.error(400, f"Service account {who} does not exist.", "badRequest"),
            )
        return super().held(ctx, body)

    def id_of(self, ctx: Context, body: Json) -> str:
        return f"{body.get(self.target, ctx.account)}/{body['role']}/{body['member']}"

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        record = super().create(ctx, body, inputs)
        record.live["target"] = str(body.get(self.target, ""))
        return ctx.world.put(record)

    def extra(self, record: Record) -> Json:
        return {"etag": record.live["made"]}


class ProjectMember(RoleMember):
    """Of a role in the whole project."""

    token = "gcp:projects/iAMMember:IAMMember"
    api = "cloudresourcemanager.projects.setIamPolicy"


class BucketMember(RoleMember):
    """Of a role on a bucket."""

    token = "gcp:storage/bucketIAMMember:BucketIAMMember"
    api = "storage.buckets.setIamPolicy"
    target = "bucket"
    references = (Reference("bucket", BUCKET),)


class TopicMember(RoleMember):
    """Of a role on a topic."""

    token = "gcp:pubsub/topicIAMMember:TopicIAMMember"
    api = "pubsub.projects.topics.setIamPolicy"
    target = "topic"
    references = (Reference("topic", TOPIC),)


class SubscriptionMember(RoleMember):
    """Of a role on a subscription, which is given by its short name."""

    token = "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember"
    api = "pubsub.projects.subscriptions.setIamPolicy"
    target = "subscription"
    references = (
        Reference(
            "subscription",
            SUBSCRIPTION,
            "projects/{project}/subscriptions/{value}",
        ),
    )


class SecretMember(RoleMember):
    """Of a role on a secret. Secrets are made by hand (a setting of the world): they do not belong in programs."""

    token = "gcp:secretmanager/secretIamMember:SecretIamMember"
    api = "secretmanager.projects.secrets.setIamPolicy"
    target = "secretId"


class ServiceMember(RoleMember):
    """Of a role on a Cloud Run service, such as the one behind a function."""

    token = "gcp:cloudrunv2/serviceIamMember:ServiceIamMember"
    api = "run.projects.locations.services.setIamPolicy"
    target = "name"
    place = "location"
    references = (
        Reference(
            "name",
            FUNCTION,
            "projects/{project}/locations/{region}/functions/{value}",
        ),
    )

    def id_of(self, ctx: Context, body: Json) -> str:
        return f"projects/{ctx.account}/locations/{ctx.region}/services/{super().id_of(ctx, body)}"
