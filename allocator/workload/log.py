"""Request logs, line by line: CSV and JSONL with token counts, the Azure LLM inference traces, OpenAI usage records."""

from __future__ import annotations

import csv
import gzip
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from allocator.errors import DataError, shown
from allocator.workload.histogram import LONGEST

_LONGEST_LINE = 2**24
_LATEST_S = 1e11
"""No log is of the year 5138: a larger time is in other units."""
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_INPUT = (
    "contexttokens", "input_tokens", "prompt_tokens", "context_tokens", "input_length", "num_prefill_tokens",
    "usage.prompt_tokens", "usage.input_tokens",
)  # fmt: skip
_OUTPUT = (
    "generatedtokens", "output_tokens", "completion_tokens", "generated_tokens", "output_length", "num_decode_tokens",
    "usage.completion_tokens", "usage.output_tokens",
)  # fmt: skip
_TIME = ("timestamp", "time", "created", "created_at", "arrived_at", "arrival_time", "start_time")


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of a log's columns, dotted where JSON objects are nested; None: recognised by name. Without `time` no rates."""

    input: str | None = None
    output: str | None = None
    time: str | None = None


FORMATS = {
    "azure": ("csv", Columns("ContextTokens", "GeneratedTokens", "TIMESTAMP")),
    "openai": ("jsonl", Columns("usage.prompt_tokens", "usage.completion_tokens", "created")),
    "csv": ("csv", Columns()),
    "jsonl": ("jsonl", Columns()),
}


class Request(NamedTuple):
    """Lengths in tokens, arrival in seconds where the log tells it."""

    input: int
    output: int
    at_s: float | None


class _BadLineError(Exception):
    """What is wrong with a line, field first."""


class Log:
    """A log to be read once; `rows` and `skipped` count what has been read and what was left out as malformed.

    Iterating raises DataError with file and line where more than `skip_bad` lines are malformed. A file that ends in
    .gz is unpacked while it is read.
    """

    def __init__(
        self, file: Path, kind: str, columns: Columns, *, unit: str = "s", skip_bad: int = 0
    ) -> None:
        self.file, self.columns = file, columns
        self.rows = self.skipped = 0
        self._kind, self._unit, self._skip_bad = kind, UNITS[unit], skip_bad
        self._known = False

    def __iter__(self) -> Iterator[Request]:
        rows = _csv_rows if self._kind == "csv" else _jsonl_rows
        try:
            with _opened(self.file) as text:
                for line, row in rows(_lines(text, self.file)):
                    self.rows += 1
                    try:
                        request = self._request(row)
                    except _BadLineError as problem:
                        self._skip(line, problem)
                    else:
                        yield request
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"log {self.file.name}: {getattr(error, 'strerror', None) or error}") from error  # fmt: skip

    def _skip(self, line: int, problem: Exception) -> None:
        self.skipped += 1
        if self.skipped > self._skip_bad:
            before = f" ({self._skip_bad} malformed before it)" if self._skip_bad else ""
            raise DataError(
                f"log {self.file.name} line {line}: {problem}{before}; --skip-bad N leaves out up to N such lines"
            )

    def _request(self, row: Any) -> Request:
        if isinstance(row, _BadLineError):
            raise row
        if not self._known:
            self.columns = self._recognised(row)
            self._known = True
        names = self.columns
        return Request(
            _tokens(row, names.input or ""),
            _tokens(row, names.output or ""),
            None if names.time is None else _seconds(row, names.time, self._unit),
        )

    def _recognised(self, row: dict[str, Any]) -> Columns:
        """By the first row. A CSV file has its columns or has them not; an object without them is one malformed line."""
        try:
            return _recognised(row, self.columns)
        except _BadLineError as problem:
            if self._kind == "jsonl":
                raise
            raise DataError(f"log {self.file.name}: {problem}") from problem


def kind_of(file: Path) -> str:
    """csv or jsonl, by the file's first character."""
    try:
        with _opened(file) as text:
            return "jsonl" if text.read(1) in "{" else "csv"
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"log {file.name}: {getattr(error, 'strerror', None) or error}") from error


def _opened(file: Path) -> TextIO:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return file.open(encoding="utf-8-sig", errors="replace", newline="")


def _lines(text: TextIO, file: Path) -> Iterator[str]:
    number = 0
    while line := text.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise DataError(f"log {file.name} line {number}: longer than {_LONGEST_LINE} characters; is it a log?")  # fmt: skip
        yield line


def _csv_rows(lines: Iterator[str]) -> Iterator[tuple[int, Any]]:
    reader = csv.reader(lines)
    header: list[str] | None = None
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, _BadLineError(str(error))
            continue
        if header is None:
            header = row
        elif len(row) == len(header):
            yield reader.line_num, dict(zip(header, row, strict=True))
        elif row:
            problem = f"has {len(row)} fields, the header {len(header)}"
            yield reader.line_num, _BadLineError(problem)


def _jsonl_rows(lines: Iterator[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, _BadLineError(f"not JSON: {error}")
            continue
        yield number, row if isinstance(row, dict) else _BadLineError("should be a JSON object")


def _recognised(row: dict[str, Any], asked: Columns) -> Columns:
    """The columns of a log by its first row: those asked for, else those with a known name."""
    names = _names(row)
    known = {name.strip().lower(): name for name in names}

    def found(what: str, given: str | None, usual: tuple[str, ...]) -> str | None:
        if given is not None:
            if given not in names:
                raise _BadLineError(f"{given}: there is no such column; has {_listed(names)}")
            return given
        name = next((known[each] for each in usual if each in known), None)
        if name is None and what != "time":
            raise _BadLineError(f"no column of {what} tokens; name it with --{what}-column; has {_listed(names)}")  # fmt: skip
        return name

    return Columns(
        found("input", asked.input, _INPUT),
        found("output", asked.output, _OUTPUT),
        found("time", asked.time, _TIME),
    )


def _names(row: dict[str, Any]) -> list[str]:
    return [
        f"{name}.{inner}" if inner else name
        for name, value in row.items()
        for inner in (value if isinstance(value, dict) else ("",))
    ]


def _listed(names: list[str]) -> str:
    return shown(", ".join(names)) if names else "none"


def _field(row: dict[str, Any], name: str) -> Any:
    if name in row:
        return row[name]
    outer, _, inner = name.partition(".")
    value = row.get(outer)
    if isinstance(value, dict) and inner in value:
        return value[inner]
    raise _BadLineError(f"{name}: is missing")


def _tokens(row: dict[str, Any], name: str) -> int:
    value = _field(row, name)
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not (0 <= number <= LONGEST and number.is_integer()):
        raise _BadLineError(f"{name}: should be a whole number of tokens up to {LONGEST}, is {shown(value)}")  # fmt: skip
    return int(number)


def _seconds(row: dict[str, Any], name: str, unit: float) -> float:
    value = _field(row, name)
    try:
        at = float(value) * unit
    except (TypeError, ValueError, OverflowError):
        at = _date_s(value)
    if isinstance(value, bool) or not math.isfinite(at):
        raise _BadLineError(f"{name}: should be a date or a number of seconds, is {shown(value)}")
    if abs(at) > _LATEST_S:
        raise _BadLineError(f"{name}: {shown(value)} is no time in seconds; give --time-unit")
    return at


def _date_s(value: Any) -> float:
    try:
        day = datetime.fromisoformat(value.strip())
        return (day if day.tzinfo else day.replace(tzinfo=UTC)).timestamp()
    except (AttributeError, ValueError, OverflowError):
        return math.nan
