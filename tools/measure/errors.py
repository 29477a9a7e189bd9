"""What can go wrong while measuring. Each message is one line: what happened, where, what to try."""

from __future__ import annotations


class MeasureError(Exception):
    """Ends the run; what was measured before stays in the journal."""


class CellSkipped(Exception):
    """This cell cannot be measured, others may: too long a prompt for the model, too slow for the limit."""


class RequestFailed(Exception):
    """One request failed in a way that another try may not: an overload, a lost connection, a torn stream."""


class RequestRefused(Exception):
    """The endpoint understood the request and will not serve it (HTTP 4xx)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status
