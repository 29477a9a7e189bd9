"""What the clouds sell: the market that a command names, or the last one that a command named."""

from __future__ import annotations

from pathlib import Path

from sandbox.market import Market
from sandbox.world import World

_MARKET = "market"


class Mistake(Exception):
    """One line for the person at the terminal."""


def load(file: Path) -> Market:
    """Raises Mistake for a file that is no market snapshot."""
    try:
        return Market.load(file)
    except (OSError, ValueError) as error:
        raise Mistake(f"market file {file}: {error}") from error


def remember(world: World, file: Path) -> None:
    """Sell this from now on."""
    world.set_setting(_MARKET, str(file.resolve()))


def sold(world: World) -> Market:
    """What was last sold. Raises Mistake if nothing ever was."""
    last = world.setting(_MARKET, "")
    if not last:
        raise Mistake("what the clouds sell is not known yet; name a snapshot with --market")
    return load(Path(last))
