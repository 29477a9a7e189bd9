"""An OpenAI-compatible endpoint whose rate is known: a batching engine that counts its own time.

Each step gives a token to every running request and takes `step_s`. With more requests in flight than run at once it
therefore finishes running / (output * step_s) requests a second of `clock`, which stands still while the machine is busy
with something else: read by the client too (fixture `engine_time`), rates do not depend on this machine's load.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Mock:
    """What the endpoint does; the fields may be changed while it runs."""

    running: int = 4
    step_s: float = 0.005
    tokens_per_event: int = 1
    first_event: bool = True
    """The first token comes alone, however many the later events hold."""
    ids: bool = True
    counts_off: int = 0
    key: str = ""
    usage: bool = True
    longest: int = 1 << 20
    """Answers end after so many tokens, except of requests that set min_tokens where `obeys_min_tokens`."""
    obeys_min_tokens: bool = False
    hung_from: int | None = None
    """The request, by number, from which on nothing is sent any more."""
    refuse: Callable[[int, dict[str, Any]], tuple[int, str] | None] = lambda number, body: None
    """Status and text for a request by number and body; None serves it."""
    extra_event: str = ""
    """Sent in every stream, before the tokens."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    steps: int = 0
    _waiting: deque[_Turn] = field(default_factory=deque)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/completions", self._answer)
        app.router.add_post("/v1/chat/completions", self._answer)
        return app

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "served"}]})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return _problem(401, "wrong key")
        if refused := self.refuse(len(self.asked), body):
            return _problem(*refused)
        chat = "messages" in body
        prompt = body["messages"][0]["content"] if chat else body["prompt"]
        if isinstance(prompt, list) and not self.ids:
            return _problem(400, "prompt: should be a string")
        inputs = len(prompt) if isinstance(prompt, list) else 7 + 2 * len(prompt.split())
        return await self._stream(request, body, inputs, chat=chat)

    async def _stream(
        self, request: web.Request, body: dict[str, Any], inputs: int, *, chat: bool
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if self.extra_event:
            await _send(response, self.extra_event)
        forced = self.obeys_min_tokens and "min_tokens" in body
        outputs = body["max_tokens"] if forced else min(body["max_tokens"], self.longest)
        mine = _Turn(outputs)
        self._waiting.append(mine)
        try:
            for said in range(1, outputs + 1):
                await mine.tokens.get()
                full = (said - 1) % self.tokens_per_event == 0
                if (full and (said > 1 or self.first_event)) or said == outputs:
                    piece = {"delta": {"content": "a"}} if chat else {"text": "a"}
                    event = {"choices": [{**piece, "finish_reason": None}]}
                    await _send(response, json.dumps(event))
        finally:
            mine.left = 0
        usage = {"prompt_tokens": inputs + self.counts_off, "completion_tokens": outputs}
        if self.usage:
            await _send(response, json.dumps({"choices": [], "usage": usage}))
        await _send(response, "[DONE]")
        return response

    def clock(self) -> float:
        """Seconds by the engine's steps."""
        return self.steps * self.step_s

    async def work(self) -> None:
        """The engine: each step gives a token to every running request; then waiting ones take free places."""
        batch: list[_Turn] = []
        while True:
            await asyncio.sleep(self.step_s)
            self.steps += 1
            batch = [turn for turn in batch if turn.left]
            if self.hung_from is not None and len(self.asked) >= self.hung_from:
                continue
            while self._waiting and len(batch) < self.running:
                if (turn := self._waiting.popleft()).left:
                    batch.append(turn)
            for turn in batch:
                turn.left -= 1
                turn.tokens.put_nowait(turn.left)


@dataclass
class _Turn:
    """A request at the engine: tokens left to make, and those made."""

    left: int
    tokens: asyncio.Queue[int] = field(default_factory=asyncio.Queue)


@contextmanager
def serving(mock: Mock) -> Iterator[Mock]:
    """The mock on a free port of loopback, on a thread of its own, while a block runs."""
    ready = threading.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        runner = web.AppRunner(mock.app(), handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        mock.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        try:
            await mock.work()
        finally:
            await runner.cleanup()

    main = loop.create_task(serve())
    thread = threading.Thread(target=_run, args=(loop, main))
    thread.start()
    ready.wait()
    try:
        yield mock
    finally:
        loop.call_soon_threadsafe(main.cancel)
        thread.join()
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, main: asyncio.Task[None]) -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(main)


async def _send(response: web.StreamResponse, event: str) -> None:
    await response.write(f"data: {event}\n\n".encode())


def _problem(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message}}, status=status)
