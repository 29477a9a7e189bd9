"""Queues over HTTP: add a message."""

from __future__ import annotations

import base64
import binascii
import re
from html import unescape

from sandbox.azure.deliveries import ADD, QUEUED
from sandbox.azure.permissions import STORAGE, caller
from sandbox.azure.storage import QUEUES
from sandbox.azure.wire.answers import storage_denied, storage_error
from sandbox.bus import Event, post
from sandbox.http import Reply, Request
from sandbox.world import Record, World

_VERB = "PutMessage"
_TEXT = re.compile(rb"<MessageText>(.*?)</MessageText>", re.S)
_LARGEST = 64 * 1024


def answer(world: World, account: Record, path: str, request: Request) -> Reply:
    """POST QUEUE/messages."""
    name, _, rest = path.partition("/")
    home = f"{account.id}/queueServices/default/queues/{name}"
    principal = caller(world, request, STORAGE)
    if denied := storage_denied(world, principal, ADD, home, _VERB):
        return denied
    if request.method != "POST" or rest != "messages":
        return storage_error(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")  # fmt: skip
    if world.get("azure", QUEUES, home) is None:
        return storage_error(404, "QueueNotFound", "The specified queue does not exist.", action=_VERB)  # fmt: skip
    found = _TEXT.search(request.body)
    if found is None or len(request.body) > _LARGEST:
        return storage_error(400, "InvalidXmlDocument", "The XML is not a message.", action=_VERB)
    text = unescape(found[1].decode(errors="replace"))
    with world.change():
        now = world.clock.now()
        number = world.new_hex(32)
        body = {"queue": home, "text": _decoded(text)}
        post(world, Event("azure", account.region, QUEUED, body, now))
    stamp = world.clock.http_date()
    told = (
        f'<?xml version="1.0" encoding="utf-8"?><QueueMessagesList><QueueMessage><MessageId>{number}</MessageId>'
        f"<InsertionTime>{stamp}</InsertionTime><ExpirationTime>{stamp}</ExpirationTime><PopReceipt>{number}</PopReceipt>"
        f"<TimeNextVisible>{stamp}</TimeNextVisible></QueueMessage></QueueMessagesList>"
    )
    return Reply(201, told.encode(), {}, "application/xml", _VERB)


def _decoded(text: str) -> str:
    """What a function's queue trigger makes of a message: base64, or the text as it is."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text
