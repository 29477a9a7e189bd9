"""What one replica sustains: model shapes and GPUs, the performance model, measured tables and their format."""
