"""Metrics of queues over time: kept here for a day, or read from Prometheus, in one form. Pure."""
