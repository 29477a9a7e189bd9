"""One invocation, whatever woke it: the loop first, then on a tick the slow path, then one line for the journal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from reactor.capacity import measure
from reactor.dispatch import asked, send, wanted
from reactor.dry import OBSERVED_OBJECT, dry_groups, observed_json
from reactor.failover import FirstAlive
from reactor.journal import Line, failed, line
from reactor.loop import Look, Outcome, run
from reactor.peers import count
from reactor.ports import Cloud, CloudError, Store
from reactor.published import STATE_OBJECT
from reactor.signals import CHECK, Signal
from reactor.state import State

TOKEN_VARIABLE = "SKYBLEND_DISPATCH_TOKEN"  # noqa: S105  the name of the variable, not a token


def handle(
    cloud: Cloud,
    stores: Sequence[Store],
    signals: Sequence[Signal],
    *,
    token: Callable[[], str] = lambda: os.environ.get(TOKEN_VARIABLE, ""),
    write: Callable[[Line], None] = lambda one: print(one, flush=True),  # noqa: T201  a function's log is its output
) -> Outcome | None:
    """Run the loop for these signals (none at all: a tick). None where it failed; the line says why, and the caller must
    let its cloud deliver the event again.

    `stores`: of this reactor's regions, the primary first. `token`: fetched only when a new plan is asked for.
    """
    started = time.perf_counter()
    store = FirstAlive(stores)
    tick = not signals or CHECK in signals
    try:
        outcome = run(cloud, store, signals)
        told = _slow_path(store, outcome.look, token) if tick and outcome.look else ""
    except (CloudError, ValueError) as error:
        write(failed(signals, error, time.perf_counter() - started))
        return None
    write(line(outcome, told, time.perf_counter() - started))
    return outcome


def _slow_path(store: Store, look: Look, token: Callable[[], str]) -> str:
    """Count what is short, dry or gone, publish it, and ask for a new plan if it is time. What was asked, for the journal.

    Recorded before it is sent: of two reactors that want to ask at once, one does.
    """
    published, observation, now = look.published, look.observation, look.now
    stored = store.get(STATE_OBJECT)
    state = State.from_json(stored.body) if stored else State()
    short = measure(published.plan, observation).short
    since = (state.short_since_s if state.short_since_s is not None else now) if short else None
    state = replace(
        state,
        short_since_s=since,
        dry=dry_groups(published, observation, state.dry, now),
        peers=count(published.peers, state.peers),
    )
    reason = wanted(published, state, now)
    if reason:
        state = replace(state, asked=asked(published, state, reason, now))
    first = store.put(STATE_OBJECT, state.to_json(), stored.tag if stored else None)
    if not first:
        return ""
    current = store.get(OBSERVED_OBJECT)
    store.put(
        OBSERVED_OBJECT, observed_json(published, observation, state.dry, now),
        current.tag if current else None,
    )  # fmt: skip
    if not reason or published.dispatch is None:
        return ""
    error = send(published.dispatch, published, state, reason, token())
    return f"{reason} (not taken: {error})" if error else reason
