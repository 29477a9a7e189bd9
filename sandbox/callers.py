"""Who calls: credentials of roles, service accounts and identities, as their clouds hand them out.

What a principal may do is each cloud's own matter: its face asks `caller` who it is, then its own permissions.
"""

from __future__ import annotations

import hashlib
from secrets import token_hex

from sandbox.world import World


def issue(world: World, cloud: str, principal: str) -> str:
    """A credential (40 hex digits) of a principal, such as a role's ARN and a session; the same each time."""
    with world.change():
        secret = world.setting("callers/secret", "") or token_hex(32)
        world.set_setting("callers/secret", secret)
        credential = hashlib.sha256(f"{secret}/{cloud}/{principal}".encode()).hexdigest()[:40]
        world.sql("insert or ignore into callers values (?, ?, ?)", credential, cloud, principal)
    return credential


def caller(world: World, cloud: str, credential: str) -> str | None:
    """The principal behind a credential; None for one that this cloud never gave."""
    rows = world.sql("select principal from callers where credential = ? and cloud = ?", credential, cloud)  # fmt: skip
    return rows[0][0] if rows else None
