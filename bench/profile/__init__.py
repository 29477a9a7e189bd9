"""The performance model against measured engines and published estimates."""
