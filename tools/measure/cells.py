"""The grid: request sizes in tokens, and how many requests are kept in flight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tools.measure.errors import MeasureError


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One point of the grid."""

    input: int
    output: int
    concurrency: int

    def __str__(self) -> str:
        return f"{self.input}x{self.output} at {self.concurrency}"


def grid(sizes: Sequence[str], concurrency: str) -> tuple[Cell, ...]:
    """The cells of `100,1000x25,250` (all four sizes) and more such words, at each of `4,16,64`, in order."""
    made = set()
    for word in sizes:
        inputs, by, outputs = word.partition("x")
        if not by:
            raise MeasureError(f"--grid {word}: write input x output tokens, e.g. 100,1000x25,250")
        for output in _numbers("--grid", outputs, least=2):
            for tokens in _numbers("--grid", inputs, least=1):
                for running in _numbers("--concurrency", concurrency, least=1):
                    made.add(Cell(tokens, output, running))
    return tuple(sorted(made))


def _numbers(option: str, text: str, *, least: int) -> list[int]:
    words = text.split(",")
    if not all(word.isascii() and word.isdigit() and int(word) >= least for word in words):
        raise MeasureError(f"{option} {text}: should be whole numbers of at least {least}")
    return [int(word) for word in words]
