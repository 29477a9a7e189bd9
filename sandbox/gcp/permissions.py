"""Who may do what on GCP: the roles that exist and the members that were given them."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.callers import caller, issue
from sandbox.gcp.rest import ACCOUNT, MEMBER, ROLE
from sandbox.kind import Context
from sandbox.world import Record, World

OWNER = "user:owner@example.org"
"""May do everything: who deploys the programs."""
ROLES = {
    "roles/storage.objectUser": (
        *("storage.objects.create", "storage.objects.delete", "storage.objects.get"),
        *("storage.objects.list", "storage.objects.update"),
    ),
    "roles/storage.objectViewer": ("storage.objects.get", "storage.objects.list"),
    "roles/storage.objectCreator": ("storage.objects.create",),
    "roles/pubsub.publisher": ("pubsub.topics.publish",),
    "roles/pubsub.subscriber": ("pubsub.subscriptions.consume",),
    "roles/run.invoker": ("run.routes.invoke",),
    "roles/secretmanager.secretAccessor": ("secretmanager.versions.access",),
}
"""Predefined roles, as far as the wire face checks what they hold."""
MEMBERS_OF = ("project", "bucket", "topic", "subscription", "secretId", "name")
"""What roles are given on: the inputs that name it in the rows of `iam`."""
_PREFIX = "ya29."


def bearer(world: World, member: str) -> str:
    """An access token of a member, such as `serviceAccount:robot@p.iam.gserviceaccount.com`."""
    return _PREFIX + issue(world, "gcp", member)


def member_of(world: World, token: str) -> str | None:
    """Whose access token it is."""
    return caller(world, "gcp", token.removeprefix(_PREFIX))


def allowed(ctx: Context, member: str, permission: str, *targets: str) -> bool:
    """Whether a member has a permission in the project, or on one of these resources (as members' bindings name them)."""
    if member == OWNER:
        return True
    places = {ctx.account, *targets}
    return any(
        permission in _permissions(ctx, binding.body["role"])
        for binding in _bindings(ctx)
        if binding.body["member"] == member and _place(ctx, binding) in places
    )


def account_exists(ctx: Context, email: str) -> bool:
    """Whether a service account of the project is there."""
    return (
        ctx.world.get(ctx.cloud, ACCOUNT, f"projects/{ctx.account}/serviceAccounts/{email}")
        is not None
    )


def _bindings(ctx: Context) -> Iterable[Record]:
    """Grants without a condition: conditions are not evaluated, so that such a grant gives nothing here."""
    for target in MEMBERS_OF:
        for record in ctx.world.all(ctx.cloud, f"{MEMBER}.{target}"):
            if "condition" not in record.body:
                yield record


def _place(ctx: Context, binding: Record) -> str:
    """On what the role was given: the id before the role's name."""
    return str(binding.live.get("target", "")) or ctx.account


def _permissions(ctx: Context, role: str) -> Iterable[str]:
    custom = ctx.world.get(ctx.cloud, ROLE, role)
    return custom.body["role"]["includedPermissions"] if custom else ROLES.get(role, ())
