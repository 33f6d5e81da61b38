"""Tasks and transactions of SQLAlchemy: enqueued after a commit, or kept in an outbox until then.

It needs the extra ``sqlalchemy``. ``python -m pyasynq.contrib.sqlalchemy shop:relay`` runs a relay.
"""

try:
    from sqlalchemy.ext import asyncio as _library  # fails in 2.1 without greenlet
except ImportError as error:
    raise ImportError(
        "pyasynq.contrib.sqlalchemy needs SQLAlchemy and greenlet; "
        "run: pip install 'pyasynq[sqlalchemy]'"
    ) from error

from pyasynq.contrib.sqlalchemy.after_commit import enqueue_after_commit
from pyasynq.contrib.sqlalchemy.outbox import Outbox
from pyasynq.contrib.sqlalchemy.relay import Relay
from pyasynq.contrib.sqlalchemy.relay_pass import Moved

del _library

__all__ = ["Moved", "Outbox", "Relay", "enqueue_after_commit"]
