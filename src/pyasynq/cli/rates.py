"""Counts and shares for people, as every front end shows them."""

from pyasynq.admin.rates import counted, rate

__all__ = ["counted", "rate"]
