"""Benchmarks: `python -m benchmarks` measures what the toolkit promises, each against a baseline in the same run."""
