"""The hedge policy beside the published ones, on recorded spot capacity: `python -m bench.replay`."""
