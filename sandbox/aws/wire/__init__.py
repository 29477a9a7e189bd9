"""AWS's HTTP APIs on loopback: one port for all services and regions, which the signature names."""
