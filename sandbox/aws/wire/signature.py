"""Signature Version 4, from the receiver's side: who signed, for which region and service, and whether it is right."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from sandbox.aws.wire.call import Failure
from sandbox.callers import caller, issue
from sandbox.http import Request
from sandbox.world import World

_SCHEME = "AWS4-HMAC-SHA256"
_HEADER = re.compile(
    rf"{_SCHEME} Credential=(?P<key>[^/]+)/(?P<date>\d{{8}})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, ?"
    r"SignedHeaders=(?P<signed>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signs for a principal."""

    key_id: str
    secret: str
    token: str

    @classmethod
    def of(cls, world: World, principal: str) -> Credentials:
        """Those of a principal, the same each time."""
        words = ("", "#secret", "#token")
        return cls(*(issue(world, "aws", f"{principal}{word}") for word in words))


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature says it is for."""

    key_id: str
    date: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str


def scope_of(request: Request) -> Scope | None:
    """The scope of a request; None where it is not signed."""
    found = _HEADER.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        return None
    words = found.groupdict()
    signed = tuple(words.pop("signed").split(";"))
    return Scope(words["key"], words["date"], words["region"], words["service"], signed, words["signature"])  # fmt: skip


def principal_of(world: World, request: Request, scope: Scope) -> str:
    """Who signed. Raises Failure."""
    principal = caller(world, "aws", scope.key_id)
    if principal is None:
        raise Failure(
            403, "InvalidClientTokenId", "The security token included in the request is invalid."
        )
    known = Credentials.of(world, principal)
    right = hmac.compare_digest(_signature(request, scope, known.secret), scope.signature)
    if not right or request.headers.get("x-amz-security-token", known.token) != known.token:
        raise Failure(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method.",
        )
    return principal


def _signature(request: Request, scope: Scope, secret: str) -> str:
    path, _, query = request.target.partition("?")
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(query, keep_blank_values=True)
    )
    canonical = "\n".join(
        [
            request.method,
            path if scope.service == "s3" else quote(path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in scope.signed),
            "",
            ";".join(scope.signed),
            request.headers.get("x-amz-content-sha256") or hashlib.sha256(request.body).hexdigest(),
        ]
    )
    place = f"{scope.date}/{scope.region}/{scope.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join([_SCHEME, request.headers.get("x-amz-date", ""), place, digest])
    key = f"AWS4{secret}".encode()
    for word in place.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()
