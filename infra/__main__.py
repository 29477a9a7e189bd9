"""What the Pulumi engine runs."""

import pulumi

from infra.entry import run

pulumi.run(run)
