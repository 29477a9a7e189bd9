"""Plain requests to the world outside the cloud: a probe and a post, one try each. Honours the usual proxy variables."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any


class _AsItComes(urllib.request.HTTPRedirectHandler):
    """A redirection is an answer, and nobody follows it with a token in hand."""

    def redirect_request(self, *_: Any) -> None:
        return None


def status_of(
    url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None, timeout_s: float
) -> int | str:  # fmt: skip
    """The status of a GET, or of a POST of `body`; where nothing answered, why in a few words."""
    try:
        request = urllib.request.Request(url, body, dict(headers or {}))
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}"
