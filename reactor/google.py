"""Google's APIs as the reactor calls them: where they are, the function's own token, and how they say no."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from reactor.http import Answer, Http, Token
from reactor.ports import CloudError

COMPUTE = os.environ.get(
    "GOOGLE_COMPUTE_CUSTOM_ENDPOINT", "https://compute.googleapis.com/compute/v1/"
)
STORAGE = os.environ.get("STORAGE_EMULATOR_HOST", "https://storage.googleapis.com")
_METADATA = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
_THROTTLES = ("rateLimitExceeded", "userRateLimitExceeded", "RESOURCE_EXHAUSTED")


@dataclass(slots=True)
class Google:
    """Authorized calls, from any thread."""

    http: Http
    token: Token

    @classmethod
    def of(cls, http: Http) -> Google:
        """As the service account that the function runs as."""
        return cls(http, Token(lambda: _own_token(http)))

    def call(
        self, method: str, url: str, query: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """One call; the answer may be a refusal. Raises CloudError where there is none."""
        headers = {"Authorization": f"Bearer {self.token.value()}"}
        if body:
            headers["Content-Type"] = "application/json"
        return self.http.request(
            method, f"{url}?{urlencode(query)}" if query else url, headers, body
        )


def ok(answer: Answer) -> Answer:
    """The answer of a call that worked. Raises CloudError for any other."""
    if answer.status < 300:
        return answer
    raise failure(answer)


def failure(answer: Answer) -> CloudError:
    """A refusal, by the reason that Google gives; the Compute API calls too many requests forbidden."""
    try:
        error = answer.json().get("error")
    except CloudError as other:
        return other
    told = error if isinstance(error, dict) else {}
    reasons = told.get("errors")
    first = reasons[0] if isinstance(reasons, list) and reasons else {}
    reason = first.get("reason") if isinstance(first, dict) else None
    code = str(reason or told.get("status") or f"HTTP {answer.status}")
    throttled = answer.throttled or code in _THROTTLES
    return CloudError(code, str(told.get("message", ""))[:300], throttled=throttled)


def _own_token(http: Http) -> tuple[str, float]:
    url = f"http://{_METADATA}/computeMetadata/v1/instance/service-accounts/default/token"
    answer = ok(http.request("GET", url, {"Metadata-Flavor": "Google"})).json()
    try:
        return str(answer["access_token"]), float(answer["expires_in"])
    except (KeyError, TypeError, ValueError):
        raise CloudError("NoToken", "the metadata server's answer has no access token") from None
