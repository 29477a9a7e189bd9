"""The object store of each cloud, behind `reactor.ports.Store`."""
