"""A run over the grid: cell after cell, within the time, each noted before the next begins."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tools.measure.cells import Cell
from tools.measure.endpoint import Endpoint
from tools.measure.errors import CellSkipped, MeasureError, RequestFailed
from tools.measure.journal import Journal
from tools.measure.load import Limits, measured
from tools.measure.prompts import Prompts, accepted

BUSY = 0.8


@dataclass(frozen=True, slots=True)
class Run:
    """What a run is to do; `deadline` in seconds of `perf_counter`."""

    cells: tuple[Cell, ...]
    limits: Limits
    served_name: str
    deadline: float

    async def measure(self, endpoint: Endpoint, journal: Journal) -> None:
        """Measure the cells that the journal lacks. Raises MeasureError; what was measured is in the journal."""
        left = [c for c in self.cells if not journal.knows(c, self.limits.cell_s)]
        if not left:
            return
        prompts = await self._prompts(endpoint, left[0])
        with _progress() as bar:
            task = bar.add_task("", total=len(self.cells), completed=len(self.cells) - len(left))
            bar.console.print(
                f"asking with {prompts.way}; {len(left)} of {len(self.cells)} cells to go"
            )
            for cell in left:
                bar.update(task, description=str(cell))
                bar.console.print(await self._cell(cell, endpoint, prompts, journal))
                bar.advance(task)

    async def _prompts(self, endpoint: Endpoint, first: Cell) -> Prompts:
        try:
            async with asyncio.timeout(min(self.limits.cell_s, self.deadline - perf_counter())):
                return await accepted(endpoint, self.served_name)
        except RequestFailed as error:
            raise MeasureError(f"{endpoint.url}: {error}, before cell {first}") from error
        except TimeoutError:
            raise MeasureError(f"{endpoint.url} answers too slowly, before cell {first}") from None

    async def _cell(
        self, cell: Cell, endpoint: Endpoint, prompts: Prompts, journal: Journal
    ) -> str:
        """Measure one cell and note it; returns what to say of it."""
        left_s = self.deadline - perf_counter()
        limits = replace(self.limits, cell_s=min(self.limits.cell_s, left_s))
        try:
            row = await measured(cell, endpoint, prompts, limits)
        except CellSkipped as error:
            if perf_counter() >= self.deadline:
                raise MeasureError(
                    f"--max-minutes are over at cell {cell}; the same command goes on from there"
                ) from None
            journal.add_skipped(cell, str(error), limits.cell_s)
            return f"{cell}: not measured: {error}"
        journal.add_row(cell, row)
        said = f"{cell}: {row['req_per_s']:g} requests/s, {row['tpot_ms_mean']:g} ms per token"
        if row["client_cpu_share"] > BUSY:
            said += f"; this program was busy {row['client_cpu_share']:.0%} of the time and may have limited it"
        return said


def _progress() -> Progress:
    """A bar on a terminal; elsewhere only the lines."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
