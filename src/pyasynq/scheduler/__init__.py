"""Enqueues periodic tasks."""
