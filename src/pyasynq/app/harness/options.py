"""How a test wants an App to be: the keyword arguments of `App.testing`."""

from datetime import datetime
from typing import Any, TypedDict


class HarnessOptions(TypedDict, total=False):
    """The keyword arguments of `App.testing`.

    Attributes:
        eager: whether what an enqueue of this App makes due runs at once, before the call returns,
            as by `AppHarness.run_pending`. What is due later waits as usual. Not if not given.
        raises: whether failures of handlers and aggregators are raised, by
            `AppHarness.run_pending` and its like, or by an eager enqueue. If not given, only by
            the latter.
        now: what the clock shows at first, an aware datetime; the time of this machine if not
            given.
        state: what ``ctx.state`` is, such as a fake of what the lifespan would open; the lifespan
            does not run then.
        threads: whether plain functions run in threads of their own, as in a worker. If not given,
            they do so in async tests only: a plain test runs them in its own thread, so that they
            see its database connection and open transaction.
        scheduler: whether periodic tasks are enqueued when the clock comes to their ticks. They
            are if not given.
    """

    eager: bool
    raises: bool | None
    now: datetime | None
    state: Any
    threads: bool | None
    scheduler: bool
