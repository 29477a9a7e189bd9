"""Run time: what keeps group sizes right while machines come and go. Standard library only."""
