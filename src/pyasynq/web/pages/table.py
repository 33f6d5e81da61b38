"""The table of all pages, and of what their forms do."""

from pyasynq.web.pages import queue_acts, queues, settings, static
from pyasynq.web.routing import Endpoint

PAGES: tuple[Endpoint, ...] = (
    *queues.PAGES,
    *queue_acts.PAGES,
    *settings.PAGES,
    *static.ENDPOINTS,
)
