"""A container of Azure Blob storage as a compare-and-swap store: the tag of an object is its ETag."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import quote

from reactor.http import Answer
from reactor.microsoft import Microsoft, failure, ok, storage_url
from reactor.ports import Stored

_VERSION = "2021-12-02"
_SOMEBODY_WAS_FIRST = (409, 412)
"""An object that must not exist yet and does is a conflict; one of another version fails the condition."""


@dataclass(frozen=True, slots=True)
class BlobStore:
    """`url`: of the container, as https://ACCOUNT.blob.core.windows.net/CONTAINER."""

    microsoft: Microsoft
    url: str

    def get(self, name: str) -> Stored | None:
        """See `reactor.ports.Store`."""
        answer = self._call("GET", name, {})
        if answer.status == 404:
            return None
        return Stored(ok(answer).body, answer.headers.get("etag", ""))

    def put(self, name: str, body: bytes, tag: str | None) -> bool:
        """See `reactor.ports.Store`."""
        condition = {"If-None-Match": "*"} if tag is None else {"If-Match": tag}
        kind = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/json"}
        answer = self._call("PUT", name, condition | kind, body)
        if answer.status in _SOMEBODY_WAS_FIRST:
            return False
        if answer.status >= 300:
            raise failure(answer)
        return True

    def _call(self, method: str, name: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        stamp = {"x-ms-version": _VERSION, "x-ms-date": formatdate(usegmt=True)}
        url = f"{storage_url(self.url)}/{quote(name)}"
        return self.microsoft.call_storage(method, url, stamp | headers, body)
