"""What was measured so far: one line per cell, appended and synced, so that a killed run goes on where it was.

The first line says what is measured and how; another run may only add to it with the same settings.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from tools.measure.cells import Cell
from tools.measure.errors import MeasureError


@dataclass(frozen=True, slots=True)
class Skipped:
    """Why a cell was not measured, and the time that it had."""

    why: str
    cell_limit_s: float


class Journal:
    """The journal of one table: `rows` of measured cells, `skipped` reasons, and the settings of the first run."""

    def __init__(self, file: Path, settings: dict[str, Any]) -> None:
        """Open or begin a journal. Raises MeasureError: it is another's, is in use, or cannot be written."""
        self.settings = settings
        self.rows: dict[Cell, dict[str, Any]] = {}
        self.skipped: dict[Cell, Skipped] = {}
        self._name = file.name
        try:
            self._file = file.open("a+b")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MeasureError(f"journal {file.name}: another run writes to it") from None
        except OSError as error:
            raise MeasureError(f"journal {file}: {error.strerror}") from error
        try:
            self._read()
        except MeasureError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add_row(self, cell: Cell, row: dict[str, Any]) -> None:
        """Note a measured cell."""
        self.rows[cell] = row
        self._append({"row": row})

    def add_skipped(self, cell: Cell, why: str, cell_limit_s: float) -> None:
        """Note a cell that cannot be measured in a time."""
        self.skipped[cell] = Skipped(why, cell_limit_s)
        self._append({"skipped": {**asdict(cell), **asdict(self.skipped[cell])}})

    def knows(self, cell: Cell, cell_limit_s: float) -> bool:
        """Whether a cell is done with: measured, or skipped although it had as much time."""
        skipped = self.skipped.get(cell)
        return cell in self.rows or (skipped is not None and skipped.cell_limit_s >= cell_limit_s)

    def _append(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self) -> None:
        self._file.seek(0)
        lines = self._file.read().split(b"\n")
        torn = lines.pop()
        if torn:  # the run before was killed while it wrote
            self._file.truncate(self._file.tell() - len(torn))
        if not lines:
            self._append({"settings": self.settings})
            return
        for number, line in enumerate(lines, start=1):
            try:
                self._take(json.loads(line), first=number == 1)
            except (ValueError, KeyError, TypeError):
                raise MeasureError(
                    f"journal {self._name}, line {number}: not of this program; move the file away to start anew"
                ) from None

    def _take(self, line: dict[str, Any], *, first: bool) -> None:
        if first:
            self._compare(line["settings"])
        elif "row" in line:
            self.rows[_cell(line["row"])] = line["row"]
        else:
            data = line["skipped"]
            self.skipped[_cell(data)] = Skipped(str(data["why"]), float(data["cell_limit_s"]))

    def _compare(self, before: dict[str, Any]) -> None:
        """Settings must be those of the first run; only the day may be later."""
        now = {**self.settings, "measured_on": before["measured_on"]}
        for key in sorted({*before, *now}):
            if before.get(key) != now.get(key):
                raise MeasureError(
                    f"journal {self._name} was begun with {key} {before.get(key)!r}, not {now.get(key)!r}; "
                    "give another --out, or move the journal away to start anew"
                )
        self.settings = before


def _cell(data: dict[str, Any]) -> Cell:
    return Cell(int(data["input"]), int(data["output"]), int(data["concurrency"]))
