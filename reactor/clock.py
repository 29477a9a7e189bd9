"""The cloud's own clock, heard from the `Date` of its answers: the function's may be off, and deadlines are the cloud's."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime


class CloudClock:
    """One per invocation's adapters, shared by the groups' and the store's. Whole seconds, as HTTP says them."""

    def __init__(self) -> None:
        self._heard: float | None = None

    def hear(self, date: str | None) -> None:
        """Take the `Date` header of an answer; anything that is no date is passed over."""
        try:
            self._heard = parsedate_to_datetime(date or "").timestamp()
        except ValueError:
            return

    def now(self) -> float:
        """Unix seconds as of the latest answer; our own clock before the first."""
        return time.time() if self._heard is None else self._heard
