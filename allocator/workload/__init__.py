"""Workloads: request-size histograms, how they are made from logs and merged, and the buckets the optimizer works with."""

from allocator.workload.buckets import buckets
from allocator.workload.histogram import Histogram, read_histogram

__all__ = ["Histogram", "buckets", "read_histogram"]
