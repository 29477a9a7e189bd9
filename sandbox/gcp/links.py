"""How Compute resources name each other: ids, self links, and the references that requests hold."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.fields import Json
from sandbox.gcp import refusals
from sandbox.gcp.places import given
from sandbox.kind import Context
from sandbox.world import Record

API = "https://www.googleapis.com/compute/v1/"
GLOBAL = "global"
REGIONAL = "regions/{region}"
_HOST = re.compile(r"https?://[^/]+/(?:compute/)?(?:v1|beta)/")
_UNIQUE = re.compile(r"\?uniqueId=.*$")
_ID = re.compile(r"projects/[^/]+/(?:global|(?:regions|zones)/[^/]+)/(?P<collection>\w+)/[^/]+")


@dataclass(frozen=True, slots=True)
class Link:
    """A member that points at another resource.

    `path` is a pattern of `places`; `collection` what it points at, `scope` where a bare name is looked up. A link
    that does not hold leaves its target free to be deleted (an instance template is only a description).
    """

    path: str
    collection: str
    word: str
    scope: str = REGIONAL
    holds: bool = True


def resource_id(ctx: Context, scope: str, collection: str, name: str) -> str:
    """`projects/p/regions/r/subnetworks/n`, or `projects/p/global/networks/n`."""
    place = scope.format(region=ctx.region)
    return f"projects/{ctx.account}/{place}/{collection}/{name}"


def self_link(record_id: str) -> str:
    """The URL of a resource."""
    return API + record_id


def short_name(url: str) -> str:
    """The last part of a URL or id."""
    return url.rsplit("/", 1)[-1]


def kind_name(collection: str) -> str:
    """The world's word for the resources of a collection, global and regional alike."""
    return f"compute.{collection}"


def locate(ctx: Context, link: Link, value: str) -> str:
    """The id that a reference means: a self link, an id, a partial URL or, for the provider, a bare name."""
    path = _UNIQUE.sub("", _HOST.sub("", value))
    if "/" not in path:
        return resource_id(ctx, link.scope, link.collection, path)
    if not path.startswith("projects/"):
        path = f"projects/{ctx.account}/{path}"
    return path.replace("/instanceGroups/", "/instanceGroupManagers/")


def held(ctx: Context, links: tuple[Link, ...], body: Json) -> list[str]:
    """The ids that a request holds on to; refuses references to what does not exist.

    References into projects that nobody here has, and to collections that no reviewed row makes, cannot be judged
    and pass. An address may also be given as a number.
    """
    ids: list[str] = []
    for link in links:
        for where, value in given(body, link.path):
            if link.collection == "addresses" and value[:1].isdigit():
                continue
            target = _target(ctx, link, where, value)
            if target and link.holds and target.id not in ids:
                ids.append(target.id)
    return ids


def _target(ctx: Context, link: Link, where: str, value: str) -> Record | None:
    target_id = locate(ctx, link, value)
    parts = _ID.fullmatch(target_id)
    if parts is None:
        raise refusals.invalid(where, value, "The URL is malformed.")
    if parts["collection"] != link.collection:
        return None
    target = ctx.world.get(ctx.cloud, kind_name(link.collection), target_id)
    if target is None and target_id.startswith(f"projects/{ctx.account}/"):
        raise refusals.invalid(
            where, value, f"The referenced {link.word} resource cannot be found."
        )
    return target
