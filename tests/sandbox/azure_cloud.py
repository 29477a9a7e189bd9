"""A subscription that is served: somebody's scale set with an identity that may resize it, and a stranger's beside it."""

from __future__ import annotations

import io
import json
import ssl
import textwrap
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient

from sandbox import callers
from sandbox.azure.blobs import write_blob
from sandbox.azure.permissions import ARM, STORAGE
from sandbox.clouds import context, endpoint
from sandbox.fields import Json
from sandbox.kind import Context
from sandbox.server import Running, running
from sandbox.world import Record, World
from tests.sandbox.azure_samples import ACCOUNT, GROUP, SAMPLES, account, create, everything

SCALE_SET = "azure-native:compute:VirtualMachineScaleSet"
IDENTITY = "azure-native:managedidentity:UserAssignedIdentity"
THEIRS = f"/subscriptions/{ACCOUNT}/resourceGroups/theirs"
ROLES = "/providers/Microsoft.Authorization/roleDefinitions/"
SIZE_ACTIONS = (
    "Microsoft.Compute/virtualMachineScaleSets/read",
    "Microsoft.Compute/virtualMachineScaleSets/write",
    "Microsoft.Compute/virtualMachineScaleSets/instanceView/read",
    "Microsoft.Compute/virtualMachines/read",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
    "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
)
BLOB_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
QUEUE_CONTRIBUTOR = "974c5e8b-45b9-4653-ba55-5f855dd0fb88"
QUEUE_SENDER = "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a"
APP = """
    import json, os
    import azure.functions as func

    app = func.FunctionApp()

    @app.queue_trigger(arg_name="message", queue_name="notices", connection="NOTICES")
    def notices(message: func.QueueMessage) -> None:
        text = message.get_body().decode()
        print(f"got {text} try {message.dequeue_count} as {os.environ['AZURE_CLIENT_ID']}", flush=True)
        if "bad" in text:
            raise ValueError("cannot")
        if "die" in text:
            os._exit(3)

    @app.timer_trigger(arg_name="timer", schedule="0 * * * * *", use_monitor=False)
    def tick(timer: func.TimerRequest) -> None:
        print(f"tick {timer.past_due}", flush=True)
"""
_T = TypeVar("_T")


@dataclass(frozen=True)
class Cloud:
    """The account while it is served; `made`: the samples' records by token."""

    clouds: Running
    made: dict[str, Record]

    @property
    def world(self) -> World:
        return self.clouds.world

    @property
    def url(self) -> str:
        return endpoint(self.world, "azure")

    @property
    def ca(self) -> str:
        return self.world.setting("endpoint/ca", "")

    def fresh(self, record: Record) -> Record:
        """A record as it is now."""
        found = self.world.get(record.cloud, record.kind, record.id)
        assert found is not None
        return found

    def credential(self, principal: str = "") -> Credential:
        """Tokens of the sample's identity, or of another principal."""
        return Credential(self.world, principal or self.made[IDENTITY].live["principalId"])


@dataclass(frozen=True)
class Credential:
    """What the vendor's clients ask for tokens."""

    world: World
    principal: str

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        audience = ARM if "management" in scopes[0] else STORAGE
        token = callers.issue(self.world, "azure", f"{self.principal} {audience}")
        return AccessToken(token, int(time.time()) + 3600)


@contextmanager
def served(folder: Path, package: str = APP) -> Iterator[Cloud]:
    """All samples, the identity allowed what a resizer needs, an app with a package, a stranger's set."""
    ctx = account(folder)
    made = everything(ctx)
    _allow(ctx, made)
    write_blob(ctx, "letters", "plan", "released-package.zip", zipped(package))
    create(ctx, "azure-native:resources:ResourceGroup", {"resourceGroupName": "theirs", "location": "eastus"})  # fmt: skip
    theirs = {**SAMPLES[SCALE_SET], "resourceGroupName": "theirs", "vmScaleSetName": "theirs"}
    create(ctx, SCALE_SET, theirs | {"sku": {"name": "Standard_NC4as_T4_v3", "capacity": 1}})
    app = made["azure-native:web:WebApp"]
    app.body["properties"]["siteConfig"]["appSettings"] = [
        {"name": "AZURE_CLIENT_ID", "value": made[IDENTITY].live["clientId"]},
        {"name": "NOTICES__clientId", "value": made[IDENTITY].live["clientId"]},
        {"name": "NOTICES__queueServiceUri", "value": "https://letters.queue.core.windows.net"},
    ]
    ctx.world.put(app)
    with running(ctx.world) as clouds:
        yield Cloud(clouds, made)


def _allow(ctx: Context, made: dict[str, Record]) -> None:
    role = made["azure-native:authorization:RoleDefinition"]
    role.body["properties"]["permissions"] = [{"actions": list(SIZE_ACTIONS)}]
    ctx.world.put(role)
    for number, built_in in enumerate((BLOB_OWNER, QUEUE_CONTRIBUTOR, QUEUE_SENDER)):
        grant(ctx, made[IDENTITY], built_in, f"{GROUP}/providers/Microsoft.Storage/storageAccounts/letters", number)  # fmt: skip


def grant(ctx: Context, identity: Record, role: str, scope: str, number: int = 0) -> Record:
    """Give an identity a built-in role."""
    inputs: Json = {
        "scope": scope,
        "roleAssignmentName": f"grant-{number}-{identity.name}",
        "principalId": identity.live["principalId"],
        "roleDefinitionId": f"/subscriptions/{ACCOUNT}{ROLES}{role}",
    }
    return create(ctx, "azure-native:authorization:RoleAssignment", inputs)


def another_identity(world: World, name: str) -> Record:
    """An identity without any role."""
    inputs = SAMPLES[IDENTITY] | {"resourceName": name}
    return create(context(world, "azure", "eastus"), IDENTITY, inputs)


def zipped(app: str) -> bytes:
    """A function app's package."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("function_app.py", textwrap.dedent(app))
        archive.writestr("host.json", '{"version": "2.0", "functionTimeout": "00:00:30"}')
    return packed.getvalue()


def until(what: Callable[[], _T], patience_s: float = 20.0) -> _T:
    """The first true value of `what`."""
    end = time.monotonic() + patience_s
    while not (found := what()):
        assert time.monotonic() < end, f"waited {patience_s:g} s in vain"
        time.sleep(0.02)
    return found


def blobs(cloud: Cloud, principal: str = "") -> Any:
    service = BlobServiceClient(
        f"{cloud.url}/letters",
        cloud.credential(principal),
        connection_verify=cloud.ca,
        retry_total=0,
    )
    return service.get_container_client("plan")


def ask(
    cloud: Cloud, method: str, url: str, principal: str = "", body: bytes = b"", **headers: str
) -> tuple[int, str]:
    """A plain call; status, and the error's code if there is one."""
    host = "queue" if ".queue." in url else "arm"
    scope = "https://storage.azure.com" if host == "queue" else "https://management.azure.com"
    token = cloud.credential(principal).get_token(scope).token
    path = url.removeprefix("https://letters.queue.core.windows.net")
    known = (
        {"Authorization": f"Bearer {token}", "Host": "letters.queue.core.windows.net"}
        if host == "queue"
        else {"Authorization": f"Bearer {token}"}
    )
    request = urllib.request.Request(
        cloud.url + path, body or None, {**known, **headers}, method=method
    )
    trust = ssl.create_default_context(cafile=cloud.ca)
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=trust), urllib.request.ProxyHandler({})
    )
    try:
        with opener.open(request) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        text = error.read()
        code = error.headers.get("x-ms-error-code") or json.loads(text)["error"]["code"]
        return error.code, code
