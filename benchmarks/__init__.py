"""Benchmarks of the orchestration: a local endpoint, peer drivers, and the comparison."""
