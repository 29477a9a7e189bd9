"""Prompts of a wanted number of tokens, no two alike, in the way that the endpoint takes them.

Token ids where the endpoint accepts them: the counts are then exact. Else words, whose tokens per word the endpoint's
own counts tell. Random throughout, so that no cache of prefixes can help.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from tools.measure.endpoint import Answer, Endpoint
from tools.measure.errors import CellSkipped, MeasureError, RequestRefused

_ID_RANGE = (1000, 9000)
"""Common tokens in every vocabulary in use; special ones lie outside."""
_WORDS = (
    "time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world", "school", "state",
    "family", "group", "country", "problem", "hand", "part", "place", "case", "week", "company", "system", "question",
    "work", "number", "night", "point", "home", "water", "room", "mother", "area", "money", "story", "fact", "month",
)  # fmt: skip
_NOT_THIS_WAY = {400, 404, 405, 415, 422, 501}
_TRIALS = (100, 400)
_TRIAL_OUTPUT = 32


@dataclass(frozen=True, slots=True)
class Prompts:
    """How to ask one model of an endpoint; `fixed` and `per_word` are the tokens of a template and of a word."""

    way: str
    path: str
    exact: bool
    fill: Callable[[Any], dict[str, Any]]
    model: str = ""
    min_tokens: bool = False
    """Sent only where `ignore_eos` alone does not do: it makes an engine's sampling slower."""
    fixed: float = 0.0
    per_word: float = 1.0

    def request(self, inputs: int, outputs: int, random: np.random.Generator) -> dict[str, Any]:
        """The body of a streamed request. Raises CellSkipped for a prompt shorter than the chat template."""
        if self.exact:
            prompt: Any = random.integers(*_ID_RANGE, inputs).tolist()
        else:
            words = round((inputs - self.fixed) / self.per_word)
            if words < 1:
                raise CellSkipped(f"the chat template alone takes {self.fixed:.0f} tokens")
            prompt = " ".join(random.choice(_WORDS, words))
        return {
            **self.fill(prompt),
            "model": self.model,
            "max_tokens": outputs,
            **({"min_tokens": outputs} if self.min_tokens else {}),
            "ignore_eos": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    def check(self, answer: Answer, inputs: int, outputs: int) -> None:
        """Whether the endpoint counted what was asked for: exactly with ids, within 3 % (or 2 tokens) with words."""
        for what, counted, asked, slack in (
            ("prompt", answer.prompt_tokens, inputs, 0 if self.exact else max(2, inputs * 0.03)),
            ("answer", answer.completion_tokens, outputs, 0),
        ):
            if abs(counted - asked) > slack:
                raise CellSkipped(
                    f"the endpoint counted {counted} tokens of {what} where {asked} were asked for"
                )


_WAYS = (
    Prompts("token ids", "completions", True, lambda ids: {"prompt": ids}),
    Prompts("text", "completions", False, lambda text: {"prompt": text}),
    Prompts(
        "chat", "chat/completions", False,
        lambda text: {"messages": [{"role": "user", "content": text}]},
    ),
)  # fmt: skip


async def accepted(endpoint: Endpoint, model: str) -> Prompts:
    """The first way of asking that the endpoint takes and counts right. Raises MeasureError, RequestFailed."""
    problem = ""
    for way, min_tokens in product(_WAYS, (False, True)):
        try:
            return await _tried(replace(way, model=model, min_tokens=min_tokens), endpoint)
        except RequestRefused as error:
            if error.status not in _NOT_THIS_WAY:
                raise MeasureError(f"{endpoint.url}: {error}") from error
            problem = str(error)
        except CellSkipped as error:
            problem = str(error)
    raise MeasureError(
        f"{endpoint.url} takes neither completions nor chats of a given length ({problem}); "
        "it needs stream_options and ignore_eos or min_tokens"
    )


async def _tried(way: Prompts, endpoint: Endpoint) -> Prompts:
    """Two requests; with words they tell the tokens of the template and of a word."""
    random = np.random.default_rng()
    few, many = _TRIALS
    counted = []
    for size in _TRIALS:
        answer = Answer()
        await endpoint.stream(way.path, way.request(size, _TRIAL_OUTPUT, random), answer)
        way.check(answer, size if way.exact else answer.prompt_tokens, _TRIAL_OUTPUT)
        if len(answer.tokens_at) < 2:
            raise CellSkipped("the endpoint sent an answer in one piece")
        counted.append(answer.prompt_tokens)
    if way.exact:
        return way
    per_word = (counted[1] - counted[0]) / (many - few)
    if per_word <= 0:
        raise CellSkipped(f"the endpoint counted {counted} tokens in {few} and {many} words")
    return replace(way, per_word=per_word, fixed=counted[0] - few * per_word)
