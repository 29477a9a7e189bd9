"""Coefficients that were fitted to a user's own tables, kept beside them: stacks/coefficients.json.

    {"fitted_to": ["my-table"], "as_of": "2026-11-22", "coefficients": {"clock_fall": 0.21, ...}}

Coefficients that the file does not name keep their defaults.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from allocator.errors import DataError, first_problem, unknown
from allocator.plan import Source, digest_of
from allocator.profile.coefficients import DEFAULTS, Coefficients

FITTED = "coefficients.json"
_NAMES = [field.name for field in dataclasses.fields(Coefficients)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fitted_to: list[str]
    as_of: date
    coefficients: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The coefficients in use, what a number that rests on them says of its origin, and their file (None: defaults)."""

    coefficients: Coefficients
    origin: str
    source: Source | None


UNFITTED = Fitted(DEFAULTS, "model", None)


def read_fitted(file: Path) -> Fitted:
    """The coefficients of a file, the defaults where there is none. Raises DataError."""
    if not file.exists():
        return UNFITTED
    try:
        content = _File.model_validate_json(file.read_bytes())
    except OSError as error:
        raise DataError(f"{file.name}: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(f"{file.name}: {first_problem(error)}") from error
    for name in content.coefficients:
        if name not in _NAMES:
            raise DataError(f"{file.name}: coefficients: {unknown('coefficient', name, _NAMES)}")
    source = Source(
        file.stem, digest_of(content.model_dump(mode="json")), content.as_of.isoformat()
    )
    made = dataclasses.replace(DEFAULTS, **content.coefficients)
    return Fitted(made, f"model, fitted to {', '.join(content.fitted_to)}", source)


def write_fitted(file: Path, coefficients: Coefficients, fitted_to: list[str], as_of: date) -> None:
    """Keep what differs from the defaults."""
    changed = {
        name: float(f"{getattr(coefficients, name):.4g}")
        for name in _NAMES
        if getattr(coefficients, name) != getattr(DEFAULTS, name)
    }
    content = {"fitted_to": fitted_to, "as_of": as_of.isoformat(), "coefficients": changed}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
