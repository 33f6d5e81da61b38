"""Times for people, as every front end shows them."""

from pyasynq.admin.spans import ago, moment, span, until

__all__ = ["ago", "moment", "span", "until"]
