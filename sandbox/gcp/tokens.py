"""ID tokens: who signs them, and who they say is calling. They expire by real time, as their holders see it."""

from __future__ import annotations

import base64
import json
import time
from functools import cache
from pathlib import Path
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox.fields import Json
from sandbox.kind import Context
from sandbox.world import Record

_ISSUER = "https://accounts.google.com"
_LIFE_S = 3600


def id_token(ctx: Context, email: str, audience: str, machine: Record | None = None) -> str:
    """A token for an audience; of a machine it names the machine too."""
    now = int(time.time())
    claims: Json = {
        "iss": _ISSUER,
        "aud": audience,
        "azp": email,
        "sub": email,
        "email": email,
        "email_verified": True,
        "iat": now,
        "exp": now + _LIFE_S,
    }
    if machine:
        claims["google"] = {
            "compute_engine": {
                "project_id": ctx.account,
                "zone": machine.body["zone"],
                "instance_id": machine.live["number"],
                "instance_name": machine.name,
            }
        }
    head = _coded({"alg": "RS256", "kid": "sandbox", "typ": "JWT"})
    signed = f"{head}.{_coded(claims)}"
    signature = _key(ctx.world.folder).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_text(signature)}"


def caller_of(ctx: Context, token: str, audience: str) -> str | None:
    """The account that a token names, if it is one of ours, for this audience, and not expired."""
    try:
        head, body, signature = token.split(".")
        _key(ctx.world.folder).public_key().verify(
            _bytes(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        claims = json.loads(_bytes(body))
    except (ValueError, InvalidSignature):
        return None
    good = claims["aud"] == audience and claims["exp"] > time.time()
    return str(claims["email"]) if good else None


@cache
def _key(folder: Path) -> rsa.RSAPrivateKey:
    """The key of this folder's cloud, made once."""
    file = folder / "gcp-id-tokens.pem"
    if not file.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    loaded = serialization.load_pem_private_key(file.read_bytes(), password=None)
    return cast(rsa.RSAPrivateKey, loaded)


def _coded(value: Json) -> str:
    return _text(json.dumps(value).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "===")
