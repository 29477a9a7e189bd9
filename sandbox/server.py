"""Serves the three emulated providers on loopback, over one world."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from sandbox.kind import Kind
from sandbox.provider import Provider
from sandbox.world import World


@dataclass(frozen=True, slots=True)
class Package:
    """A Pulumi package and the cloud behind it; `account` is the one account this cloud has."""

    name: str
    cloud: str
    account: str

    def kinds(self) -> tuple[Kind, ...]:
        """The reviewed rows; imported when asked for, since the vendors' models are large."""
        kinds: tuple[Kind, ...] = importlib.import_module(f"sandbox.{self.cloud}").KINDS
        return kinds

    def family_of(self, market: str, instance_type: str) -> str:
        """The quota that a machine counts against."""
        family: str = importlib.import_module(f"sandbox.{self.cloud}").family_of(
            market, instance_type
        )
        return family


PACKAGES = (
    Package("aws", "aws", "111122223333"),
    Package("gcp", "gcp", "emulated-project"),
    Package("azure-native", "azure", "11111111-2222-3333-4444-555555555555"),
)
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@contextmanager
def serving(world: World) -> Iterator[dict[str, str]]:
    """Serve every package on a free port while the context is open.

    Yields the environment that makes a Pulumi engine use the emulated clouds instead of the real ones.
    """
    servers = []
    attached = []
    for package in PACKAGES:
        server = grpc.server(futures.ThreadPoolExecutor(16), options=_UNLIMITED)
        provider = Provider(
            package.name, package.cloud, package.kinds(), world, account=package.account
        )
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
        attached.append(f"{package.name}:{server.add_insecure_port('127.0.0.1:0')}")
        server.start()
        servers.append(server)
    try:
        yield {
            "PULUMI_DEBUG_PROVIDERS": ",".join(attached),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
    finally:
        for server in servers:
            server.stop(grace=1).wait()
