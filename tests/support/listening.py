"""What tests of events share."""

from pyasynq.worker.handlers.events import EVENT_NAMES
from pyasynq.worker.handlers.mux import ServeMux


def make_mux(handler, *listeners, names=EVENT_NAMES):
    mux = ServeMux()
    mux.add("email", handler)
    for listener in listeners:
        mux.listeners.register(tuple(names))(listener)
    return mux


def recorder(names):
    async def record(event):
        names.append(event.name)

    return record


async def succeed(ctx, task):
    return None
