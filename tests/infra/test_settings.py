"""`skyblend:clouds`: sound defaults, and one line for what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from infra.errors import SettingsError
from infra.settings import read_settings
from tests.infra.declared import SSH_KEY


def test_an_aws_stack_needs_no_settings() -> None:
    settings = read_settings(None, {"aws"})
    assert settings.edge == "front-door"
    assert settings.aws.gpu_image.startswith("resolve:ssm:")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"edge": "cloudfront"}, "skyblend:clouds.edge: Input should be 'front-door' or 'none'"),
        ({"aws": {"gpu_image": "ubuntu"}}, "skyblend:clouds.aws.gpu_image: "),
        ({"aws": {"image": "ami-1"}}, "skyblend:clouds.aws.image: Extra inputs are not permitted"),
        ({"gcp": {"project": ""}}, "skyblend:clouds.gcp.project: "),
        ({"disk_gib": 8}, "skyblend:clouds.disk_gib: Input should be greater than or equal to 50"),
        ({"azure": {"admin_ssh_key": "secret"}}, "skyblend:clouds.azure.admin_ssh_key: "),
        ("eastus", "skyblend:clouds: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_key(raw: Any, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(raw, {"aws"})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_azure_machines_need_a_key_and_other_clouds_do_not() -> None:
    with pytest.raises(SettingsError, match="admin_ssh_key is missing"):
        read_settings({}, {"aws", "azure"})
    assert (
        read_settings({"azure": {"admin_ssh_key": SSH_KEY}}, {"azure"}).azure.location == "eastus"
    )
