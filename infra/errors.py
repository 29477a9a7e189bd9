"""What can go wrong before a resource is declared; each message is one line for the person at the terminal."""

from __future__ import annotations


class InfraError(Exception):
    """The stack cannot be declared as it is configured."""


class SettingsError(InfraError):
    """`skyblend:clouds` of the stack's configuration is not what it should be."""


class ZoneError(InfraError):
    """The plan names a zone that a network cannot be laid out over."""
