"""The groups of each cloud, behind `reactor.ports.Cloud`."""
