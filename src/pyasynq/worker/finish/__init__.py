"""Writes outcomes to Redis."""
