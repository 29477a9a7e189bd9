"""Whether the other clouds of the stack still answer, seen from outside: no credentials of theirs are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from reactor.published import Peer
from reactor.state import PeerCount
from reactor.web import status_of

GONE_AFTER = 5
"""Probes in a row, one a tick, before a cloud is taken to be gone: longer than its own reactor needs to put machines there."""
_TIMEOUT_S = 2.0

Probe = Callable[[str], bool]


def probe(url: str) -> bool:
    """Whether `GET url` is answered with anything below 500."""
    status = status_of(url, timeout_s=_TIMEOUT_S)
    return isinstance(status, int) and status < 500


def count(
    peers: Iterable[Peer], before: Iterable[PeerCount], probe: Probe = probe
) -> tuple[PeerCount, ...]:
    """Probe every cell of every peer at once. A cloud with one cell alive is there, one without cells is left out.

    Failures count once a cloud has answered: before that its cells are being built.
    """
    known = {each.cloud: each.failures for each in before}
    asked = [peer for peer in peers if peer.cells]
    cells = [url for peer in asked for url in peer.cells]
    with ThreadPoolExecutor(max(1, len(cells))) as pool:
        answers = dict(zip(cells, pool.map(probe, cells), strict=True))
    alive = {peer.cloud for peer in asked if any(answers[url] for url in peer.cells)}
    return tuple(
        PeerCount(cloud, 0 if cloud in alive else known[cloud] + 1)
        for cloud in sorted(alive | known.keys() & {peer.cloud for peer in asked})
    )


def gone(counts: Iterable[PeerCount]) -> tuple[str, ...]:
    """Clouds of which nothing has answered for long enough."""
    return tuple(each.cloud for each in counts if each.failures >= GONE_AFTER)
