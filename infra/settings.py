"""`skyblend:clouds` of a stack: what an account needs that no plan knows (images, project, home of the edge).

skyblend:clouds:
  edge: front-door            # or none: the endpoint is then the address of the cell with the largest share
  disk_gib: 200
  reactor: {freeze: false, dispatch: {kind: github, url: "https://api.github.com/repos/me/mine/dispatches"}}
  aws: {gpu_image: "ami-..."}
  gcp: {project: my-project}
  azure: {location: eastus, admin_ssh_key: "ssh-ed25519 ..."}
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from infra.errors import SettingsError

_Text = Annotated[str, StringConstraints(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _CloudSettings(_Section):
    """`reactor_regions`: one or two homes of the reactor, the primary first; by default the first two regions of the plan
    by name. A stack that names them keeps its functions where they are when the plan changes."""

    reactor_regions: Annotated[list[_Text], Field(min_length=1, max_length=2)] | None = None


class AwsSettings(_CloudSettings):
    """AWS. The default image is resolved by EC2 when a machine starts, so that no preview has to look it up."""

    gpu_image: Annotated[str, StringConstraints(pattern=r"^(resolve:ssm:.+|ami-[0-9a-f]+)$")] = (
        "resolve:ssm:/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"
    )


class GcpSettings(_CloudSettings):
    """GCP. Without `project` the provider's own (`gcp:project`) is used."""

    project: _Text | None = None
    gpu_image: _Text = (
        "projects/deeplearning-platform-release/global/images/family/"
        "common-cu128-ubuntu-2204-nvidia-570"
    )


class AzureImage(_Section):
    """A marketplace image. The default has driver, CUDA and Docker, and needs no accepted terms."""

    publisher: _Text = "microsoft-dsvm"
    offer: _Text = "ubuntu-hpc"
    sku: _Text = "2204"
    version: _Text = "latest"


class AzureSettings(_CloudSettings):
    """Azure. `location` is the home of the edge's resource group; Front Door itself is everywhere."""

    location: _Text = "eastus"
    gpu_image: AzureImage = AzureImage()
    admin_ssh_key: (
        Annotated[str, StringConstraints(pattern=r"^(ssh-rsa|ssh-ed25519) [A-Za-z0-9+/=]+( .*)?$")]
        | None
    ) = None


class Dispatch(_Section):
    """Where a reactor asks for a new plan: a GitHub repository's dispatches or a stack's Pulumi Deployments.

    `token_secret`: the name (AWS, GCP) or URI (Azure) of the secret with the token, by cloud.
    """

    kind: Literal["github", "pulumi"]
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
    token_secret: dict[Literal["aws", "gcp", "azure"], _Text] = {}


class ReactorSettings(_Section):
    """`freeze`: observe and tell, set nothing. `cool_down_s`: the least time between two requests for a new plan."""

    freeze: bool = False
    cool_down_s: Annotated[float, Field(ge=60, le=86_400)] = 300.0
    dispatch: Dispatch | None = None


class Settings(_Section):
    """All of `skyblend:clouds`."""

    edge: Literal["front-door", "none"] = "front-door"
    disk_gib: Annotated[int, Field(ge=50, le=4000)] = 200
    reactor: ReactorSettings = ReactorSettings()
    aws: AwsSettings = AwsSettings()
    gcp: GcpSettings = GcpSettings()
    azure: AzureSettings = AzureSettings()


def read_settings(raw: Any, clouds: Collection[str]) -> Settings:
    """Settings from the stack's configuration (None: all defaults), fit for a plan that uses `clouds`.

    Raises SettingsError, one line that names the key.
    """
    try:
        settings = Settings.model_validate(raw if raw is not None else {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(["clouds", *(str(step) for step in first["loc"])])
        raise SettingsError(
            f"skyblend:{where}: {first['msg']}, got {first['input']!r}; see infra/settings.py"
        ) from None
    if "azure" in clouds and settings.azure.admin_ssh_key is None:
        raise SettingsError(
            "skyblend:clouds.azure.admin_ssh_key is missing and Azure starts no Linux machine without one; "
            "paste a public key (ssh-keygen -t ed25519)"
        )
    return settings
