"""Tells listeners of events."""
