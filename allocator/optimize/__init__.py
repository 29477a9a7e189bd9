"""The optimizer: which nodes to buy so that the workload is served, also after the loss of a failure domain."""
