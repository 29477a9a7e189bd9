"""A bucket of Cloud Storage as a compare-and-swap store: the tag of an object is its generation."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from reactor.google import STORAGE, Google, failure, ok
from reactor.ports import Stored

_NONE_YET = "0"


@dataclass(frozen=True, slots=True)
class GcsStore:
    """`bucket`'s objects. Google takes about one write a second per object and answers more with 429."""

    google: Google
    bucket: str
    endpoint: str = STORAGE

    def get(self, name: str) -> Stored | None:
        """See `reactor.ports.Store`."""
        url = f"{self.endpoint}/storage/v1/b/{self.bucket}/o/{quote(name, safe='')}"
        answer = self.google.call("GET", url, {"alt": "media"})
        if answer.status == 404:
            return None
        return Stored(ok(answer).body, answer.headers.get("x-goog-generation", ""))

    def put(self, name: str, body: bytes, tag: str | None) -> bool:
        """See `reactor.ports.Store`."""
        query = {"uploadType": "media", "name": name, "ifGenerationMatch": tag or _NONE_YET}
        url = f"{self.endpoint}/upload/storage/v1/b/{self.bucket}/o"
        answer = self.google.call("POST", url, query, body)
        if answer.status == 412:
            return False
        if answer.status >= 300:
            raise failure(answer)
        return True
