"""Google Cloud's HTTP APIs on loopback: one port, services told apart by path and host."""
