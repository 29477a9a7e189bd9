"""The GPU mix against the published integer program, solved as published: `make bench-mix`."""
