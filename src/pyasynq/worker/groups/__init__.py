"""Aggregates groups."""
