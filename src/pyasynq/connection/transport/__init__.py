"""Sends commands and reads replies."""
