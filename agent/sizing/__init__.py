"""Sizing and cost of serving a language model: memory, GPUs, concurrency, speed, money.

Pure functions over explicit inputs: nothing here reads a clock, a network or a mutable file. Each result carries the steps
that led to it in Chinese and English, and every assumption is a named input with a stated default.
Bytes and parameters are exact integers or fractions; GB is 10^9 bytes and GiB 2^30 bytes everywhere.
"""
