"""What a node runs, as the cloud-init text that every cloud hands to its machines.

The text depends on the engine, on the pool's shape and on where notices go, never on how many nodes there are. Needed of
the machine image: the NVIDIA driver, Docker with the NVIDIA container toolkit, systemd and Python 3.10.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template

from allocator.plan import Engine, Pool

PORT = 8000
"""Where a node answers; also the balancers' port, as none of the clouds' balancers in use translates it."""
HEALTH_PATH = "/health"
START_SECONDS = 1200
"""How long a node may take from boot to the first healthy answer: pulling the engine and loading 70B weights."""

_IMAGES = Path(__file__).resolve().parent.parent / "images"
_DRAIN = (
    f"iptables -w -I DOCKER-USER -p tcp --dport {PORT} -m conntrack --ctstate NEW"
    " -j REJECT --reject-with tcp-reset"
)
"""Health checks fail and new requests go elsewhere, while streams that have begun go on."""


def cloud_init(engine: Engine, pool: Pool, notice_urls: Sequence[str] = ()) -> str:
    """The cloud-init document of a pool's nodes. A node's replicas share one port through the engine itself.

    `notice_urls`: where the watcher tells that its machine goes, best first, in its cloud's form.
    """
    settings = {
        "SKYBLEND_CLOUD": pool.cloud,
        "SKYBLEND_POOL": pool.key,
        "SKYBLEND_NOTICE_URL": ",".join(notice_urls),
        "SKYBLEND_DRAIN": _DRAIN,
    }
    values = {
        "image": engine.image,
        "model": engine.model,
        "tensor_parallel": str(pool.tensor_parallel),
        "replicas": str(pool.replicas_per_node),
        "port": str(PORT),
        "publish": f"{PORT}:{PORT}",
        "watcher": _text("watcher/watcher.py"),
        "watcher_env": "".join(f'{name}="{value}"\n' for name, value in settings.items()),
        "watcher_unit": _text("watcher/watcher.service"),
    }
    quoted = {name: json.dumps(value) for name, value in values.items()}
    options = "".join(f"    - {json.dumps(option)}\n" for option in engine.options)
    return Template(_text("replica/cloud-init.yaml")).substitute(quoted, options=options)


def user_data(engine: Engine, pool: Pool, notice_urls: Sequence[str] = ()) -> str:
    """The same in base64, as AWS and Azure take it."""
    return base64.b64encode(cloud_init(engine, pool, notice_urls).encode()).decode()


def _text(image: str) -> str:
    return (_IMAGES / image).read_text(encoding="utf-8")
