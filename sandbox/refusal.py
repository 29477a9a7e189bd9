"""How an emulated cloud says no."""

from __future__ import annotations


class Refusal(Exception):
    """A request that the real cloud would refuse, with that cloud's error code and text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Unmapped(Exception):
    """An input that no reviewed row maps to the cloud's API: the emulation must not guess."""
