"""The sizes of groups, as long as Pulumi sets them.

Nothing else in infra/ knows a size. When something else comes to own them, this file goes, and with it the one
argument that each cloud's pool fills from here.
"""

from __future__ import annotations

from allocator.plan import Member, Pool


def group_size(pool: Pool) -> int:
    """Nodes of a group that holds all members of a pool (AWS, GCP)."""
    return pool.nodes


def scale_set_size(pool: Pool, member: Member) -> int:
    """Nodes of one member's scale set (Azure): all of them in the cheapest, which the pool was priced at."""
    return pool.nodes if member == pool.members[0] else 0
