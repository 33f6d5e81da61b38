"""Publishes events to listeners."""
