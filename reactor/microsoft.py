"""Azure's APIs as the reactor calls them: where they are, the function's own tokens, and how they say no.

`AZURE_RESOURCE_MANAGER_ENDPOINT` and `AZURE_STORAGE_ENDPOINT` (accounts by path) lead elsewhere than to Azure.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from reactor.http import Answer, Http, Token
from reactor.ports import CloudError

ARM = os.environ.get("AZURE_RESOURCE_MANAGER_ENDPOINT", "https://management.azure.com")
_STORAGE = os.environ.get("AZURE_STORAGE_ENDPOINT", "")
_XML_CODE = re.compile(rb"<Code>(\w+)</Code>")


@dataclass(slots=True)
class Microsoft:
    """Calls as the function's identity, from any thread."""

    http: Http
    arm: Token
    storage: Token

    @classmethod
    def of(cls, http: Http) -> Microsoft:
        """As the identity that the function runs as."""
        return cls(
            http,
            Token(lambda: _own_token(http, "https://management.azure.com/")),
            Token(lambda: _own_token(http, "https://storage.azure.com/")),
        )

    def call_arm(self, method: str, url: str, body: bytes = b"") -> Answer:
        """One call to the resource manager; the answer may be a refusal. Raises CloudError where there is none."""
        return self._call(self.arm, method, url, {"Content-Type": "application/json"}, body)

    def call_storage(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """One call to a storage account, which may refuse."""
        return self._call(self.storage, method, url, headers, body)

    def _call(
        self, token: Token, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        bearer = {"Authorization": f"Bearer {token.value()}"}
        return self.http.request(method, url, {**headers, **bearer}, body)


def storage_url(url: str) -> str:
    """Where a storage URL leads: Azure itself, unless the environment names another endpoint."""
    parts = urlsplit(url)
    return f"{_STORAGE}/{parts.netloc.split('.')[0]}{parts.path}" if _STORAGE else url


def ok(answer: Answer) -> Answer:
    """The answer of a call that worked. Raises CloudError for any other."""
    if answer.status < 300:
        return answer
    raise failure(answer)


def failure(answer: Answer) -> CloudError:
    """A refusal by its code: in a header and XML from storage, in JSON from the resource manager."""
    code = answer.headers.get("x-ms-error-code")
    text = ""
    if code is None and (in_xml := _XML_CODE.search(answer.body)):
        code = in_xml[1].decode()
    if code is None:
        try:
            told = answer.json().get("error")
        except CloudError as other:
            return other
        error = told if isinstance(told, dict) else {}
        code, text = (
            str(error.get("code") or f"HTTP {answer.status}"),
            str(error.get("message", "")),
        )
    return CloudError(code, text[:300], throttled=answer.throttled)


def _own_token(http: Http, resource: str) -> tuple[str, float]:
    """From the endpoint that Functions gives to each app; the identity is named, as an app may have several."""
    query = {"api-version": "2019-08-01", "resource": resource}
    if client := os.environ.get("AZURE_CLIENT_ID"):
        query["client_id"] = client
    url = f"{os.environ.get('IDENTITY_ENDPOINT', '')}?{urlencode(query)}"
    header = {"X-IDENTITY-HEADER": os.environ.get("IDENTITY_HEADER", "")}
    answer = ok(http.request("GET", url, header)).json()
    try:
        return str(answer["access_token"]), float(answer["expires_on"]) - time.time()
    except (KeyError, TypeError, ValueError):
        raise CloudError("NoToken", "the identity endpoint's answer has no access token") from None
