"""Measuring what a server does, as numbers in its process."""
