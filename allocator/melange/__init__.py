"""Mélange's own question, answered exactly: its config format in, counts, routing and proof out.

The published model cuts every bucket into `slice_factor` slices and gives each to one type. Here buckets are divided
freely, so the cost is never above that model's optimum at any slice factor, and the answer says how to route.
"""

from allocator.melange.answer import Answer, solve, table
from allocator.melange.config import Config, read_config

__all__ = ["Answer", "Config", "read_config", "solve", "table"]
