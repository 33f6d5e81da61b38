"""``pyasynq dash``: queues, tasks and servers in a terminal, with keys that act on them.

Needs the extra ``tui``. Nothing else imports this room, so that nothing else needs Textual.
"""
