"""Keeps queues in order: forwards, recovers, cleans up."""
