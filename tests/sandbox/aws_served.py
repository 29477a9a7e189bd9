"""AWS while it is served: the small cloud of `aws_cloud`, and clients of Amazon's own that call it as somebody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from sandbox.aws.identity import root, session
from sandbox.aws.wire.signature import Credentials
from sandbox.clouds import endpoint
from sandbox.server import Running, running
from tests.sandbox.aws_cloud import Cloud, open_cloud
from tests.sandbox.aws_samples import make
from tests.sandbox.aws_serverless import policy, trust

REGION = "us-east-1"


@dataclass(frozen=True)
class Served:
    """The cloud and where it is served."""

    cloud: Cloud
    running: Running

    def client(self, service: str, principal: str = "", **given: Any) -> Any:
        """A client that signs as a principal, by default as one that may do everything."""
        world = self.cloud.ctx.world
        known = Credentials.of(world, principal or root(self.cloud.ctx))
        usual: dict[str, Any] = {
            "region_name": REGION,
            "endpoint_url": endpoint(world, "aws"),
            "aws_access_key_id": known.key_id,
            "aws_secret_access_key": known.secret,
            "aws_session_token": known.token,
            "config": Config(retries={"total_max_attempts": 1}, proxies={}),
        }
        return boto3.session.Session().client(service, **(usual | given))

    def role(self, name: str, *statements: Any, service: str = "lambda.amazonaws.com") -> str:
        """A new role that may do this; the principal of somebody who has taken it."""
        make(self.cloud.ctx, "Role", {"name": name, "assumeRolePolicy": trust(service)})
        make(
            self.cloud.ctx,
            "RolePolicy",
            {"name": "may", "role": name, "policy": policy(*statements)},
        )
        return session(self.cloud.ctx, name, "somebody")


@contextmanager
def served(folder: Path, speed: float = 1.0) -> Iterator[Served]:
    """Serve a cloud of its own."""
    cloud = open_cloud(folder)
    try:
        with running(cloud.ctx.world, speed) as clouds:
            yield Served(cloud, clouds)
    finally:
        cloud.ctx.world.close()
