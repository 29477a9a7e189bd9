"""`profile measure`: what an inference endpoint sustains, over a grid of request sizes and requests in flight.

A program of its own and not a part of the allocator, because it opens sockets and the allocator never does.
"""
