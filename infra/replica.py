"""What a node runs, as the cloud-init text that every cloud hands to its machines.

The text depends on the engine and on the pool's shape, never on how many nodes there are. Needed of the machine
image: the NVIDIA driver, Docker and the NVIDIA container toolkit.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from string import Template

from allocator.plan import Engine, Pool

PORT = 8000
"""Where a node answers; also the balancers' port, as none of the clouds' balancers in use translates it."""
HEALTH_PATH = "/health"
START_SECONDS = 1200
"""How long a node may take from boot to the first healthy answer: pulling the engine and loading 70B weights."""

_TEMPLATE = Path(__file__).resolve().parent.parent / "images/replica/cloud-init.yaml"


def cloud_init(engine: Engine, pool: Pool) -> str:
    """The cloud-init document of a pool's nodes. A node's replicas share one port through the engine itself."""
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        image=json.dumps(engine.image),
        model=json.dumps(engine.model),
        tensor_parallel=json.dumps(str(pool.tensor_parallel)),
        replicas=json.dumps(str(pool.replicas_per_node)),
        port=json.dumps(str(PORT)),
        publish=json.dumps(f"{PORT}:{PORT}"),
    )


def user_data(engine: Engine, pool: Pool) -> str:
    """The same in base64, as AWS and Azure take it."""
    return base64.b64encode(cloud_init(engine, pool).encode()).decode()
