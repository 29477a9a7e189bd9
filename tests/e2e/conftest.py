"""The real driver, engine and emulated clouds, as `make` starts them; each state folder is a world of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import azure_stack as azure
from tests.e2e import gcp_stack as gcp
from tests.e2e.aws_stack import Deployed, deployed
from tools.stack import ROOT, exports


@dataclass(frozen=True)
class Clone:
    """Runs the project's commands against one state folder."""

    state: Path

    @property
    def env(self) -> dict[str, str]:
        return os.environ | {"SKYBLEND_STATE": str(self.state), "NO_COLOR": "1"}

    def start(self, *words: str, **known: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", *words], cwd=ROOT, env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **known,
        )  # fmt: skip

    def run(self, *words: str, code: int = 0) -> str:
        """The output of `python -m WORDS`, standard error included; the exit code must be `code`."""
        process = self.start(*words)
        output, _ = process.communicate(timeout=180)
        assert process.returncode == code, output
        return output

    def pulumi(self, *words: str) -> Any:
        """A plain `pulumi` command on the emulated state, its JSON read."""
        env = self.env | exports(self.state)
        done = subprocess.run(
            ["pulumi", *words], cwd=ROOT, env=env, text=True, capture_output=True, check=True
        )
        return json.loads(done.stdout)

    def status(self) -> dict[str, Any]:
        """What the emulated clouds hold."""
        facts: dict[str, Any] = json.loads(
            self.run("sandbox", "--state", str(self.state / "clouds.db"), "status", "--json")
        )
        return facts


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A state folder shared by a module's tests."""
    return Clone(tmp_path_factory.mktemp("state"))


@pytest.fixture
def fresh(tmp_path: Path) -> Clone:
    """A state folder of the test's own."""
    return Clone(tmp_path)


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The reactor of AWS with its groups, deployed and running."""
    with deployed(tmp_path_factory.mktemp("stack")) as up:
        yield up


@pytest.fixture(scope="session")
def gcp_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gcp.Deployed]:
    """The reactor of GCP with its groups, deployed and running."""
    with gcp.deployed(tmp_path_factory.mktemp("gcp-stack")) as up:
        yield up


@pytest.fixture(scope="session")
def azure_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[azure.Deployed]:
    """The reactor of Azure with its groups, deployed and running."""
    with azure.deployed(tmp_path_factory.mktemp("azure-stack")) as up:
        yield up
