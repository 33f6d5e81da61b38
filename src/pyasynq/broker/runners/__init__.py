"""Executes operations: the only I/O of the broker."""
