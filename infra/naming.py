"""Every name, tag and mark that the program gives to a resource.

Logical names are made of the plan's stable keys, never of positions in a list: a reordered plan renames nothing. The
providers make physical names of them by adding random characters (`-` and 7 on AWS and GCP, 8 on Azure), so the
limits below are the vendors' own, less that.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

BALANCER_LIMIT = 32 - 8
"""Load balancers and target groups of AWS: 32 characters, letters, digits and hyphens."""
BUCKET_LIMIT = 63 - 8
"""S3 buckets: lower-case letters, digits and hyphens."""
AWS_LIMIT = 64 - 8
"""Functions, roles and event rules of AWS: the shortest limit among them."""
ACCOUNT_LIMIT = 30 - 8
"""Service accounts of GCP."""
GCP_LIMIT = 63 - 8
"""Every GCP resource (RFC 1035)."""
TEMPLATE_PREFIX_LIMIT = 37 - 1
"""GCP template prefix: a longer one costs the generated suffix its length."""
INSTANCE_PREFIX_LIMIT = 58
"""GCP base instance name: the group adds `-` and 4 characters."""
SCALE_SET_LIMIT = 64 - 8
"""Azure scale sets of Linux machines."""
FUNCTION_APP_LIMIT = 59 - 8
"""Azure function apps: the name is a host's label with a suffix."""
EDGE_LIMIT = 46 - 8
"""Front Door endpoints have the shortest limit at the edge."""
LABEL_LIMIT = 63
"""Label values of GCP, the narrowest of the three clouds' tags."""

_DIGEST = 6


@dataclass(frozen=True, slots=True)
class Owner:
    """The project and stack that resources belong to, written on everything that can carry it."""

    project: str
    stack: str

    def tags(self, pool: str = "") -> dict[str, str]:
        """Tags (labels on GCP), valid on all three clouds; `pool` where the resource belongs to one."""
        tags = {"skyblend-project": label(self.project), "skyblend-stack": label(self.stack)}
        return tags | {"skyblend-pool": label(pool)} if pool else tags

    @property
    def label(self) -> tuple[str, str]:
        """The tag that tells the stack's resources from all others."""
        return "skyblend-stack", label(self.stack)

    def mark(self, pool: str = "") -> str:
        """The tags as one text, for the description of resources that have no tags."""
        return " ".join(f"{key}={value}" for key, value in self.tags(pool).items())


def fit(name: str, limit: int) -> str:
    """The name itself, or where it is longer than `limit` its beginning and a digest of the whole."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    return f"{name[: limit - _DIGEST - 1].rstrip('-')}-{digest}"


def slug(text: str) -> str:
    """Lower-case letters, digits and single hyphens: what every cloud takes in a name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def label(text: str) -> str:
    """A label value as GCP wants it; AWS and Azure take it too."""
    return fit(re.sub(r"[^a-z0-9_-]", "-", text.lower()), LABEL_LIMIT)
