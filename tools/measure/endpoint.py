"""An OpenAI-compatible endpoint: one streamed request, and when each of its tokens came."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Self

import aiohttp

from tools.measure.errors import RequestFailed, RequestRefused

_LONGEST_LINE = 1 << 20
_SHOWN = 160
_TRANSIENT = {408, 409, 425, 429}


@dataclass(slots=True)
class Answer:
    """A request's life, in seconds of `perf_counter`; filled while the answer streams."""

    sent: float = 0.0
    tokens_at: list[float] = field(default_factory=list)
    """One entry per event that carried tokens: an engine may put several into one."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finished: float | None = None


class Endpoint:
    """Streams answers over as many connections as are asked for. A silence of `stall_s` fails a request."""

    def __init__(self, url: str, session: aiohttp.ClientSession, stall_s: float) -> None:
        self.url = url
        self._session = session
        self._short = aiohttp.ClientTimeout(total=stall_s)

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str, *, api_key: str, stall_s: float) -> AsyncIterator[Self]:
        """An endpoint for the time of a block."""
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=stall_s, sock_read=stall_s),
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
        ) as session:
            yield cls(url.rstrip("/"), session, stall_s)

    async def get(self, path: str) -> Any:
        """The JSON at a path of the endpoint. Raises RequestFailed and RequestRefused."""
        async with self._asked("GET", path, timeout=self._short) as response:
            try:
                return json.loads(await response.read())
            except ValueError:
                raise RequestFailed(f"{path} is not JSON") from None

    async def stream(self, path: str, body: Mapping[str, Any], answer: Answer) -> None:
        """Post a request and fill in its answer while it comes. Raises RequestFailed and RequestRefused."""
        answer.sent = perf_counter()
        async with self._asked("POST", path, json=body) as response:
            async for line in _lines(response.content):
                if not line.startswith(b"data:"):
                    continue
                event = line[5:].strip()
                if event == b"[DONE]":
                    break
                _take(event, answer)
        if not answer.completion_tokens:
            raise RequestFailed("the stream ended without counts of tokens (usage)")
        if not answer.tokens_at:
            raise RequestFailed("the stream held counts of tokens but no token")
        answer.finished = perf_counter()

    @asynccontextmanager
    async def _asked(
        self, verb: str, path: str, **words: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            async with self._session.request(verb, f"{self.url}/{path}", **words) as response:
                if response.status >= 400:
                    raise _problem(response.status, await response.content.read(_LONGEST_LINE))
                yield response
        except aiohttp.InvalidURL:
            raise RequestFailed("not an URL") from None
        except TimeoutError:
            raise RequestFailed("the endpoint fell silent") from None
        except (aiohttp.ClientError, OSError) as error:
            raise RequestFailed(_brief(str(error) or type(error).__name__)) from error


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
        if len(rest) > _LONGEST_LINE:
            raise RequestFailed("the stream holds an event of more than 1 MiB")


def _take(event: bytes, answer: Answer) -> None:
    """Note the tokens and the counts of one server-sent event."""
    now = perf_counter()
    try:
        data = json.loads(event)
        if problem := data.get("error"):
            raise RequestFailed(_brief(_message(problem)))
        if usage := data.get("usage"):
            answer.prompt_tokens = int(usage["prompt_tokens"])
            answer.completion_tokens = int(usage["completion_tokens"])
        if any(_carries_tokens(choice) for choice in data.get("choices") or ()):
            answer.tokens_at.append(now)
    except (ValueError, TypeError, KeyError, AttributeError):
        said = event.decode(errors="replace")
        raise RequestFailed(f"malformed event in the stream: {_brief(said)}") from None


def _carries_tokens(choice: Mapping[str, Any]) -> bool:
    """A completion's empty text is a token too (half a character); a chat's first event is only its role."""
    if "text" in choice:
        return bool(choice["text"]) or choice.get("finish_reason") is None
    delta = choice["delta"]
    return any(delta.get(key) for key in ("content", "reasoning_content", "reasoning"))


def _problem(status: int, body: bytes) -> RequestFailed | RequestRefused:
    text = body.decode(errors="replace")
    try:
        data = json.loads(text)
        text = _message(data.get("error", data))
    except (ValueError, AttributeError):
        pass
    if status >= 500 or status in _TRANSIENT:
        return RequestFailed(f"HTTP {status}: {_brief(text)}")
    return RequestRefused(status, _brief(text))


def _message(problem: Any) -> str:
    return str(problem.get("message", problem) if isinstance(problem, dict) else problem)


def _brief(text: str) -> str:
    """One line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."
