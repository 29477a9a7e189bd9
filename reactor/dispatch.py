"""The slow path: asking those who run `pulumi up` for a new plan, seldom, and never as part of saving capacity."""

from __future__ import annotations

import json

from reactor.peers import gone
from reactor.published import Dispatch, Published
from reactor.state import Asked, State
from reactor.web import status_of

SHORT_S = 600.0
"""How long the plan's pools may be short before another plan is asked for: several cold starts."""
LONGEST_WAIT_S = 6 * 3600.0
EVENT_TYPE = "skyblend-replan"
RECOVERED = "recovered"
_TIMEOUT_S = 5.0


def wanted(published: Published, state: State, now: float) -> str:
    """Why a new plan should be asked for now; empty where it should not.

    A reason that has led to no other plan is repeated at twice the interval each time: an equal digest ends it.
    """
    if published.dispatch is None:
        return ""
    reason = _reason(state, now)
    asked = state.asked
    if asked is None:
        return "" if reason == RECOVERED else reason
    same = asked.reason == reason and asked.digest == published.plan.digest
    if reason == RECOVERED and asked.reason == RECOVERED:
        return ""
    wait = min(published.cool_down_s * 2 ** (asked.times if same else 0), LONGEST_WAIT_S)
    return reason if now - asked.at_s >= wait else ""


def _reason(state: State, now: float) -> str:
    clouds = gone(state.peers)
    if clouds:
        return f"gone: {', '.join(clouds)}"
    if state.short_since_s is None:
        return RECOVERED
    return "short" if now - state.short_since_s >= SHORT_S else ""


def asked(published: Published, state: State, reason: str, now: float) -> Asked:
    """The record of a request made now."""
    before = state.asked
    digest = published.plan.digest
    again = before is not None and (before.reason, before.digest) == (reason, digest)
    return Asked(reason, digest, now, before.times + 1 if before and again else 1)


def send(dispatch: Dispatch, published: Published, state: State, reason: str, token: str) -> str:
    """Ask. Returns why it failed, empty where it was taken: nothing may depend on it."""
    payload = {
        "stack": published.stack,
        "cloud": published.cloud,
        "reason": reason,
        "plan_digest": published.plan.digest,
        "gone": list(gone(state.peers)),
    }
    if dispatch.kind == "github":
        body: dict[str, object] = {"event_type": EVENT_TYPE, "client_payload": payload}
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    else:
        body = {"operation": "update", "inheritSettings": True}
        headers = {"Authorization": f"token {token}", "Accept": "application/vnd.pulumi+8"}
    headers |= {"Content-Type": "application/json", "User-Agent": "skyblend-reactor"}
    status = status_of(
        dispatch.url, body=json.dumps(body).encode(), headers=headers, timeout_s=_TIMEOUT_S
    )
    if isinstance(status, str):
        return status
    return "" if status < 300 else f"HTTP {status}"
