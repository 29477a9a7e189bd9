"""Types without a reviewed row: stored as the program sent them, with a warning each time."""

from __future__ import annotations

from sandbox.fields import Json
from sandbox.kind import Context, Kind
from sandbox.world import Record


class Unreviewed(Kind):
    """Keeps the inputs as they are: no API is checked, every change is an update."""

    def __init__(self, token: str) -> None:
        self.token = token  # type: ignore[misc]
        self.name = token  # type: ignore[misc]

    def body(self, inputs: Json) -> Json:
        return dict(inputs)

    def check(self, ctx: Context, body: Json, verb: str) -> None:
        """Nothing is known that could be refused."""

    def create(self, ctx: Context, body: Json, inputs: Json) -> Record:
        return ctx.world.put(
            Record(
                cloud=ctx.cloud,
                kind=self.name,
                id=f"unreviewed-{ctx.world.new_hex(12)}",
                region=ctx.region,
                body=body,
                tags=self.tags(body),
            )
        )

    def inputs(self, ctx: Context, record: Record) -> Json:
        return dict(record.body)
