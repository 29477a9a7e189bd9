"""The notice watcher of a node: asks the cloud's metadata service whether the machine is about to be taken, and says so.

It drains the local engine and tells the reactor as the machine itself: by an asynchronous Lambda call, a POST with an ID
token or a message in a storage queue. Its credential is ready before, as 30 s are short. Needs Python 3.10 alone.

SKYBLEND_CLOUD       aws, gcp or azure
SKYBLEND_POOL        the pool's key
SKYBLEND_NOTICE_URL  where to tell, best first, separated by commas: function ARNs, function URLs, queue URLs
SKYBLEND_DRAIN       command that stops new requests while streams go on (empty: none)
SKYBLEND_POLL_S      seconds between two looks (1)
SKYBLEND_METADATA    base URL of the metadata service, if not the cloud's own
SKYBLEND_NOTICE_VIA  base URL to connect to in place of the notice URL's own host, whose name is still sent
"""

from __future__ import annotations

import base64
import hmac
import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timezone
from email.utils import formatdate, parsedate_to_datetime
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

POLL_S = float(os.environ.get("SKYBLEND_POLL_S", "1"))
TIMEOUT_S, LONG_POLL_S = 3.0, 60
SLOW_S = 125.0  # Azure switches scheduled events on at the first question, which may take 2 minutes
RENEW_S = 600.0  # a credential is renewed so long before it ends
SHUTDOWN_S = 30.0  # GCP does not say when; this is its shutdown period
HINT_S = 120.0  # a hint has no deadline and is told for so long
URLS = [url for url in os.environ["SKYBLEND_NOTICE_URL"].split(",") if url]
VIA = os.environ.get("SKYBLEND_NOTICE_VIA", "")
DRAIN = shlex.split(os.environ.get("SKYBLEND_DRAIN", ""))


class Notice(NamedTuple):
    """`kind`: interrupt or rebalance; `id`: equal for the same event; `deadline`: Unix seconds, if there is one."""

    kind: str
    id: str
    deadline: float | None = None


def call(
    method: str, url: str, headers: dict[str, str], body: str = "", *, wait_s: float, via: str = ""
) -> tuple[int, Any, str]:
    """One request, never through a proxy: status, headers, text."""
    to, wanted = urlsplit(via or url), urlsplit(url)
    kind = getattr(http.client, f"{to.scheme.upper()}Connection")
    path = wanted.path + (f"?{wanted.query}" if wanted.query else "")
    with closing(kind(to.netloc, timeout=wait_s)) as connection:
        connection.request(method, path or "/", body.encode(), {"host": wanted.netloc} | headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode(errors="replace").strip()


class Metadata:
    """A cloud's metadata service, and the call that hands a notice over.

    `secret` proves who calls and ends at `ends`; `ahead`: by how much the cloud's clock is before the machine's own,
    which may be wrong after boot. Answers of another shape raise LookupError, TypeError or ValueError, others OSError.
    """

    base, pause, etag = "http://169.254.169.254", POLL_S, ""
    machine = region = ""
    headers: dict[str, str] = {}
    secret: Any = None
    ends = ahead = 0.0

    def __init__(self) -> None:
        self.base = os.environ.get("SKYBLEND_METADATA") or self.base

    def now(self) -> float:
        return time.time() + self.ahead

    def get(self, path: str, wait_s: float = TIMEOUT_S) -> str:
        """A value, empty where there is none."""
        status, headers, text = call("GET", self.base + path, self.headers, wait_s=wait_s)
        if headers["Date"]:
            self.ahead = parsedate_to_datetime(headers["Date"]).timestamp() - time.time()
        self.etag = headers["ETag"] or ""
        if status not in (200, 404):
            raise OSError(f"{path}: {status} {text[:80]}")
        return text if status == 200 else ""

    def post(self, url: str, headers: dict[str, str], body: str) -> None:
        status, _, text = call("POST", url, headers, body, wait_s=TIMEOUT_S, via=VIA)
        if not 200 <= status < 300:
            raise OSError(f"{url}: {status} {text[:200]}")


class Aws(Metadata):
    """EC2: a session token first. A rebalance recommendation may come before the notice."""

    token_s = -1e9

    def get(self, path: str, wait_s: float = TIMEOUT_S) -> str:
        if time.monotonic() - self.token_s > 18_000:
            life = {"X-aws-ec2-metadata-token-ttl-seconds": "21600"}
            _, _, token = call("PUT", f"{self.base}/latest/api/token", life, wait_s=wait_s)
            self.headers, self.token_s = {"X-aws-ec2-metadata-token": token}, time.monotonic()
        try:
            return super().get(path, wait_s)
        except OSError:  # the token may be what is wrong
            self.token_s = -1e9
            raise

    def identify(self) -> None:
        document = json.loads(self.get("/latest/dynamic/instance-identity/document"))
        self.machine, self.region = document["instanceId"], document["region"]

    def renew(self) -> None:
        roles = "/latest/meta-data/iam/security-credentials/"
        keys = json.loads(self.get(roles + self.get(roles)))
        self.secret, self.ends = keys, _seconds(keys["Expiration"])

    def look(self) -> Notice | None:
        if action := self.get("/latest/meta-data/spot/instance-action"):
            return Notice("interrupt", action, _seconds(json.loads(action)["time"]))
        hint = self.get("/latest/meta-data/events/recommendations/rebalance")
        return Notice("rebalance", hint) if hint else None

    def tell(self, arn: str, text: str) -> None:
        region = arn.split(":")[3]
        host = f"lambda.{region}.amazonaws.com"
        path = f"/2015-03-31/functions/{quote(arn, safe='')}/invocations"
        headers = {
            "host": host,
            "x-amz-date": f"{datetime.fromtimestamp(self.now(), timezone.utc):%Y%m%dT%H%M%SZ}",
            "x-amz-invocation-type": "Event",
            "x-amz-security-token": self.secret["Token"],
        }
        headers["authorization"] = signature(self.secret, region, path, headers, text)
        self.post(f"https://{host}{path}", headers, text)


def signature(keys: Any, region: str, path: str, headers: dict[str, str], text: str) -> str:
    """Signature version 4 of a POST to Lambda. The path is escaped once more, as all services but S3 want it."""
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"POST\n{quote(path)}\n\n{lines}\n{names}\n{sha256(text.encode()).hexdigest()}"
    hashed = sha256(request.encode()).hexdigest()
    when = headers["x-amz-date"]
    scope = f"{when[:8]}/{region}/lambda/aws4_request"
    key = f"AWS4{keys['SecretAccessKey']}".encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{when}\n{scope}\n{hashed}"):
        key = hmac.digest(key, part.encode(), "sha256")
    who = f"Credential={keys['AccessKeyId']}/{scope}"
    return f"AWS4-HMAC-SHA256 {who}, SignedHeaders={names}, Signature={key.hex()}"


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Gcp(Metadata):
    """GCE: a long poll that returns when `preempted` changes. Machines go by number: the next one may get the name."""

    base = "http://metadata.google.internal"
    headers = {"Metadata-Flavor": "Google"}
    tree = "/computeMetadata/v1/instance"

    def identify(self) -> None:
        zone = self.get(f"{self.tree}/zone").rsplit("/", 1)[-1]
        self.machine, self.region = self.get(f"{self.tree}/id"), zone.rsplit("-", 1)[0]

    def renew(self) -> None:
        path = f"{self.tree}/service-accounts/default/identity?format=full&audience="
        tokens = {url: self.get(path + quote(url, safe="")) for url in URLS}
        claims = [base64.urlsafe_b64decode(t.split(".")[1] + "===") for t in tokens.values()]
        self.secret, self.ends = tokens, min(json.loads(claim)["exp"] for claim in claims)
        self.etag = ""  # that of another value

    def look(self) -> Notice | None:
        wait = f"?wait_for_change=true&timeout_sec={LONG_POLL_S}&last_etag={self.etag}"
        known, self.pause = wait if self.etag else "", POLL_S
        answer = self.get(f"{self.tree}/preempted{known}", LONG_POLL_S + TIMEOUT_S)
        self.pause = 0.0 if self.etag else POLL_S
        return Notice("interrupt", "", self.now() + SHUTDOWN_S) if answer == "TRUE" else None

    def tell(self, url: str, text: str) -> None:
        bearer = {"authorization": f"Bearer {self.secret[url]}"}
        self.post(url, bearer | {"content-type": "application/json"}, text)


class Azure(Metadata):
    """Scheduled events of the whole placement group: those that name this machine count."""

    headers = {"Metadata": "true"}
    patience_s = SLOW_S

    def identify(self) -> None:
        compute = json.loads(self.get("/metadata/instance/compute?api-version=2021-02-01"))
        self.machine, self.region = compute["name"].lower(), compute["location"]

    def renew(self) -> None:
        query = "api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com%2F"
        token = json.loads(self.get(f"/metadata/identity/oauth2/token?{query}"))
        self.secret, self.ends = token["access_token"], float(token["expires_on"])

    def look(self) -> Notice | None:
        path = "/metadata/scheduledevents?api-version=2020-07-01"
        events = json.loads(self.get(path, self.patience_s))["Events"]
        self.patience_s = TIMEOUT_S
        for event in events:
            names = [name.lower() for name in event["Resources"]]
            if event["EventType"] == "Preempt" and self.machine in names:
                when = event["NotBefore"]  # blank once it has begun
                deadline = parsedate_to_datetime(when).timestamp() if when else self.now()
                return Notice("interrupt", event["EventId"], deadline)
        return None

    def tell(self, queue: str, text: str) -> None:
        headers = {
            "authorization": f"Bearer {self.secret}",
            "x-ms-date": formatdate(self.now(), usegmt=True),
            "x-ms-version": "2021-12-02",
        }
        coded = base64.b64encode(text.encode()).decode()  # what a function's queue trigger expects
        body = f"<QueueMessage><MessageText>{coded}</MessageText></QueueMessage>"
        self.post(f"{queue}/messages?messagettl={HINT_S:.0f}", headers, body)


Cloud = Aws | Gcp | Azure
CLOUDS: dict[str, type[Cloud]] = {"aws": Aws, "gcp": Gcp, "azure": Azure}


def watch(cloud: Cloud, told: set[tuple[str, str]]) -> None:
    """Look once. A notice is told in a thread of its own, so that a later one is seen too."""
    if not cloud.machine:
        attempt(cloud.identify)
    if cloud.ends - time.time() < RENEW_S:
        attempt(cloud.renew)
    notice = attempt(cloud.look) if cloud.machine else None
    if notice and (notice.kind, notice.id) not in told:
        told.add((notice.kind, notice.id))
        threading.Thread(target=tell, args=(cloud, notice)).start()
        if notice.kind == "interrupt" and DRAIN:
            attempt(lambda: subprocess.Popen(DRAIN))


def tell(cloud: Cloud, notice: Notice) -> None:
    """Hand a notice over to the first place that takes it, until that is of no more use."""
    until = max(notice.deadline or cloud.now() + HINT_S, cloud.now() + 10.0)
    pause = 0.25
    at = notice.deadline and datetime.fromtimestamp(notice.deadline, timezone.utc)
    deadline = at and f"{at:%Y-%m-%dT%H:%M:%SZ}"
    facts = {"skyblend": 1, "cloud": os.environ["SKYBLEND_CLOUD"], "region": cloud.region}
    facts |= {"machine": cloud.machine, "kind": notice.kind, "deadline": deadline}
    text = json.dumps(facts | {"pool": os.environ.get("SKYBLEND_POOL", "")})
    while cloud.now() < until:
        for url in URLS:
            if attempt(lambda to=url: cloud.tell(to, text) or to):  # type: ignore[misc]
                return log("told", to=url, notice=text)
        time.sleep(pause)
        pause = min(2 * pause, 4.0)
        attempt(cloud.renew)
    return log("given up", notice=text)


def attempt(step: Callable[[], Any]) -> Any:
    """What a step gives, or None and a line in the log: no answer of a cloud ends a watcher."""
    try:
        return step()
    except (OSError, http.client.HTTPException, LookupError, TypeError, ValueError) as error:
        log("failed", step=step.__qualname__, error=f"{type(error).__name__}: {error}")
        return None


def log(what: str, **facts: object) -> None:
    print(json.dumps({"watcher": what, **facts}), flush=True)


def main() -> None:
    told: set[tuple[str, str]] = set()
    cloud = CLOUDS[os.environ["SKYBLEND_CLOUD"]]()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        while True:
            watch(cloud, told)
            time.sleep(cloud.pause)
    except SystemExit:  # GCP may take a machine in the moment it says so: look once more, without waiting for a change
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        cloud.etag = ""
        watch(cloud, told)


if __name__ == "__main__":
    main()
