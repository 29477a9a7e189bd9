"""The clouds' own time: runs at a settable speed while somebody serves, stands still otherwise, never goes back.

Kept in the world's file as an anchor, so that every process that has the file open reads the same time. The anchor is
good for a few seconds ahead only and is renewed while the clouds are served: after a crash time stops there.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.world import World

_ANCHOR = "clock"
_AHEAD_S = 5.0
RENEW_S = 1.0


class Clock:
    """Every date that a cloud says is this clock's: headers, activities, events, metadata.

    Two things keep real time: how long a function's process may run, and when a credential expires, since clients
    compare that with their own clocks.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        """Unix seconds."""
        anchor = self._world.setting(_ANCHOR, "")
        if not anchor:
            return self._start_of_time()
        at, real, speed, until = json.loads(anchor)
        passed = time.monotonic() - real
        return float(min(at + passed * speed, until) if passed >= 0 else until)

    def speed(self) -> float:
        """Seconds of the clouds per real second; 0 while nobody serves."""
        anchor = self._world.setting(_ANCHOR, "")
        return float(json.loads(anchor)[2]) if anchor else 0.0

    def run(self, speed: float) -> None:
        """Go on, or go on faster or slower, from now; to be called again every RENEW_S real seconds."""
        self._anchor(speed, _AHEAD_S * speed)

    def stop(self) -> None:
        """Stand still."""
        self._anchor(0.0, 0.0)

    def mend(self) -> None:
        """Stand still where somebody served and did not say that it ended: it crashed, or the machine started anew."""
        anchor = self._world.setting(_ANCHOR, "")
        if anchor:
            _, real, speed, _ = json.loads(anchor)
            if speed and not 0 <= time.monotonic() - real <= _AHEAD_S:
                self.stop()

    def iso(self, at: float | None = None) -> str:
        """A time, or now, as `2026-11-22T06:28:00Z`."""
        moment = datetime.fromtimestamp(self.now() if at is None else at, UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def http_date(self) -> str:
        """Now as HTTP headers say it."""
        return formatdate(self.now(), usegmt=True)

    def _anchor(self, speed: float, ahead_s: float) -> None:
        with self._world.change():
            now = self.now()
            anchor = (now, time.monotonic(), speed, now + ahead_s)
            self._world.set_setting(_ANCHOR, json.dumps(anchor))

    def _start_of_time(self) -> float:
        """The clouds begin when they are first asked for the time."""
        with self._world.change():
            if not self._world.setting(_ANCHOR, ""):
                now = time.time()
                self._world.set_setting(_ANCHOR, json.dumps((now, 0.0, 0.0, now)))
        return float(json.loads(self._world.setting(_ANCHOR, ""))[0])
