"""The function packages that Pulumi uploads."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.package import CLOUDS, package_bytes, package_file


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_same_sources_give_the_same_bytes_whenever_and_wherever(cloud: str, tmp_path: Path):
    script = f"import sys; from infra.package import package_bytes; sys.stdout.buffer.write(package_bytes({cloud!r}))"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert other.stdout == package_bytes(cloud)
    assert package_file(cloud).read_bytes() == package_bytes(cloud)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_package_is_under_a_megabyte_and_has_no_other_clouds_parts(cloud: str):
    body = package_bytes(cloud)
    assert len(body) < 1_000_000
    names = zipfile.ZipFile(io.BytesIO(body)).namelist()
    assert "reactor/policy.py" in names
    others = {other for other in CLOUDS if other != cloud}
    assert not {name for name in names if Path(name).stem.rsplit("_", 1)[-1] in others}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_unpacked_package_imports_without_anything_else(cloud: str, tmp_path: Path):
    zipfile.ZipFile(io.BytesIO(package_bytes(cloud))).extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import reactor.handle"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
