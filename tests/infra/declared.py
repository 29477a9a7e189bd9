"""What the program declares for a plan, recorded without an engine or a cloud."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi
from google.protobuf import json_format
from pulumi.runtime.mocks import MockMonitor

from allocator.plan import Plan
from infra.naming import Owner
from infra.program import declare
from infra.settings import Settings, read_settings
from tests.infra import plans

OWNER = Owner("skyblend", "test")
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ nobody"


@dataclass(frozen=True)
class Resource:
    """One registration: `inputs` as on the wire (camelCase, numbers are floats)."""

    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    depends_on: frozenset[str]


@dataclass(frozen=True)
class Declared:
    """All registrations of one run, and the endpoint it returned."""

    resources: tuple[Resource, ...]
    endpoint: str

    def of(self, kind: str) -> list[Resource]:
        """Resources whose type ends so ("LaunchTemplate")."""
        return [r for r in self.resources if r.type.rsplit(":", 1)[-1] == kind]

    def one(self, kind: str, name: str = "") -> Resource:
        """The only resource of a type, or the one with that name."""
        (found,) = [r for r in self.of(kind) if name in ("", r.name)]
        return found

    def inputs(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Inputs by (type, name)."""
        return {(r.type, r.name): r.inputs for r in self.resources}

    def cloud_types(self) -> frozenset[str]:
        """The types that a cloud has to provide: all but our own components."""
        return frozenset(r.type for r in self.resources if not r.type.startswith("skyblend:"))


class _Mocks(pulumi.runtime.Mocks):
    """Clouds that answer with an id made of the name, and a stack that exported `outputs` before."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        self.outputs = outputs

    def new_resource(
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            return args.name, {"outputs": self.outputs, "secretOutputNames": []}
        ident = f"{args.typ}/{args.name}"
        return ident, _shown(args.inputs) | {
            "arn": f"arn:aws:any:{args.inputs.get('region', '')}:111122223333:{ident}",
            "name": args.inputs.get("name", f"{args.name}-0000000"),
            "selfLink": f"https://{ident}",
            "instanceGroup": f"https://{ident}/group",
            "dnsName": f"{args.name}.elb.example",
            "bucket": args.inputs.get("bucket", f"{args.name}-0000000"),
            "hostName": f"{args.name}.z01.azurefd.example",
            "ipAddress": "192.0.2.7",
            "latestVersion": 1,
            "email": f"{args.name}@accounts.example",
            "member": f"serviceAccount:{args.name}@gcp-sa-pubsub.example",
            "writerIdentity": f"serviceAccount:{args.name}@logging.example",
            "project": args.inputs.get("project", "project"),
            "url": f"https://{args.name}.run.example",
            "defaultRouteTableId": "rtb-main",
            "principalId": f"principal of {args.name}",
            "clientId": f"client of {args.name}",
            "connectionString": f"connection of {args.name}",
        }

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"preview looked something up: {args.token}")


def _shown(inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs as they come back: Azure's list of identities is a map there."""
    held = (inputs.get("identity") or {}).get("userAssignedIdentities")
    if not isinstance(held, list):
        return inputs
    return inputs | {
        "identity": inputs["identity"] | {"userAssignedIdentities": {name: {} for name in held}}
    }


class _Recorder(MockMonitor):
    def __init__(self, mocks: pulumi.runtime.Mocks, resources: list[Resource]) -> None:
        super().__init__(mocks)
        self._resources = resources

    def RegisterResource(self, request: Any) -> Any:
        if request.type != "pulumi:pulumi:Stack":
            self._resources.append(
                Resource(
                    request.type,
                    request.name,
                    request.parent,
                    json_format.MessageToDict(request.object),
                    frozenset(request.dependencies),
                )
            )
        return super().RegisterResource(request)


def settings(raw: dict[str, Any] | None = None) -> Settings:
    """Settings for three clouds."""
    given = {"azure": {"admin_ssh_key": SSH_KEY}} | (raw or {})
    return read_settings(given, {"aws", "gcp", "azure"})


def declared(plan: Plan | None = None, given: Settings | None = None) -> Declared:
    """Run the program for a plan (three clouds by default) and record what it declares."""
    url: list[str] = []

    def program() -> pulumi.Output[None]:
        made = declare(plan or plans.plan(), given or settings(), OWNER)
        return made.endpoint.apply(url.append)

    resources = recording(program)
    return Declared(tuple(resources), url[0])


def recording(program: Callable[[], Any], outputs: dict[str, Any] | None = None) -> list[Resource]:
    """Run a program against clouds that agree to everything; what it registers. `outputs`: of the update before."""
    asyncio.set_event_loop(asyncio.new_event_loop())  # an exit leaves its own with work undone
    resources: list[Resource] = []
    mocks = _Mocks(outputs or {})
    pulumi.runtime.set_mocks(
        mocks,
        project=OWNER.project,
        stack=OWNER.stack,
        preview=False,
        monitor=_Recorder(mocks, resources),
    )
    pulumi.runtime.test(program)()
    return resources


def declared_types() -> frozenset[str]:
    """Every type that a three-cloud plan with an edge declares."""
    return declared().cloud_types()
