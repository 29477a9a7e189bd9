"""The call of Secrets Manager that reads a secret; secrets are settings of the world, `secret/aws/<region>/<name>`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping

from sandbox.aws.wire.call import Answer, Call, Failure


def _get_secret(call: Call) -> Answer:
    ctx, asked = call.ctx, str(call.request.json().get("SecretId", ""))
    place = f"arn:aws:secretsmanager:{ctx.region}:{ctx.account}:secret:"
    name = re.sub(r"-\w{6}$", "", asked.removeprefix(place)) if asked.startswith(place) else asked
    arn = f"{place}{name}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
    call.need(arn)
    value = ctx.world.setting(f"secret/aws/{ctx.region}/{name}", "")
    if not value:
        words = "Secrets Manager can't find the specified secret."
        raise Failure(400, "ResourceNotFoundException", words)
    version = hashlib.sha256(value.encode()).hexdigest()[:32]
    return Answer(
        {
            "ARN": arn,
            "Name": name,
            "VersionId": version,
            "SecretString": value,
            "VersionStages": ["AWSCURRENT"],
            "CreatedDate": ctx.world.clock.now(),
        }
    )


OPERATIONS: Mapping[str, Callable[[Call], Answer]] = {"GetSecretValue": _get_secret}
