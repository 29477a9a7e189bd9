"""The function package of each cloud: the reactor's sources in a zip that has the same bytes on every machine.

Stored, not compressed: compressors differ between versions. Entries are sorted and carry one fixed date.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

from infra.errors import InfraError

CLOUDS = ("aws", "azure", "gcp")
_ROOT = Path(__file__).resolve().parent.parent
_REACTOR = _ROOT / "reactor"
_FOLDER = _ROOT / "build/reactor"
_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


def package_file(cloud: str) -> Path:
    """The zip file, made if it is not there; its name has the digest of its bytes."""
    body = package_bytes(cloud)
    file = _FOLDER / f"{cloud}-{hashlib.sha256(body).hexdigest()[:16]}.zip"
    if not file.exists():
        try:
            _FOLDER.mkdir(parents=True, exist_ok=True)
            whole = file.with_suffix(".part")
            whole.write_bytes(body)
            whole.rename(file)
        except OSError as error:
            raise InfraError(
                f"cannot write the function package {file}: {error.strerror}"
            ) from error
    return file


def package_bytes(cloud: str) -> bytes:
    """The zip: `reactor/` without the other clouds' parts, and at the top what the cloud's runtime starts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, file in sorted(_files(cloud).items()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = _MODE
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()


def _files(cloud: str) -> dict[str, Path]:
    """Path in the archive to source file."""
    entry = _REACTOR / "entry" / cloud
    top = {file.name: file for file in entry.iterdir() if file.is_file()} if entry.is_dir() else {}
    others = [other for other in CLOUDS if other != cloud]
    sources = {
        str(file.relative_to(_ROOT)): file
        for file in _REACTOR.rglob("*.py")
        if "entry" not in file.parts and not any(_belongs(file, other) for other in others)
    }
    return sources | top


def _belongs(file: Path, cloud: str) -> bool:
    return file.stem == cloud or file.stem.endswith(f"_{cloud}")
