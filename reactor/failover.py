"""Two object stores as one: a cloud's second reactor region goes on with its own when the first region is gone."""

from __future__ import annotations

from collections.abc import Sequence

from reactor.ports import CloudError, Store, Stored


class FirstAlive:
    """The first of several stores that answers, for as long as a run lasts.

    State lives in one store at a time; the next one holds the same plan, and at worst an older state, which the policy
    takes for what it is: a memory with gaps.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        self._stores = list(stores)

    def get(self, name: str) -> Stored | None:
        while True:
            try:
                return self._stores[0].get(name)
            except CloudError:
                if len(self._stores) == 1:
                    raise
                del self._stores[0]

    def put(self, name: str, body: bytes, tag: str | None) -> bool:
        """Writes where the latest `get` read: a tag means nothing elsewhere."""
        return self._stores[0].put(name, body, tag)
