"""What the Pulumi engine runs."""

from infra.entry import run

run()
