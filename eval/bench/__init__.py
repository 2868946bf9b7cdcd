"""Benchmarks: `python -m eval.bench [NAME...]`. Each prints tables and states what was measured, on what, with how many threads."""
