"""A relay as a program: its database is the argument, and it dies where it is told to.

With DIES_BEFORE_DELETE it kills itself between its write to Redis and its delete, as kill -9 does.
"""

import os
import signal

from sqlalchemy import create_engine, event

from pyasynq.contrib.sqlalchemy import Relay
from tests.contrib.sqlalchemy.shop import app, outbox

app.reconfigure(os.environ["PYASYNQ_REDIS_URL"])
engine = create_engine(f"sqlite:///{os.environ['DATABASE']}")
relay = Relay(outbox, engine, batch_size=10, poll_interval=0.01)


@event.listens_for(engine, "before_cursor_execute")
def die(_connection, _cursor, statement, *_more):
    if statement.startswith("DELETE") and "DIES_BEFORE_DELETE" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)
