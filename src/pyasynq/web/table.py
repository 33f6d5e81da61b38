"""The table of everything that is answered: pages, and the REST API below ``/api``."""

from pyasynq.web.formatting import Formatters
from pyasynq.web.pages.table import PAGES
from pyasynq.web.rest.table import endpoints as rest_endpoints
from pyasynq.web.routing import Endpoint


def endpoints(formatters: Formatters, *, prometheus_url: str = "") -> tuple[Endpoint, ...]:
    """Return everything that is answered.

    Args:
        formatters: how payloads and results are shown.
        prometheus_url: where Prometheus is; empty if nobody said so.
    """
    return (*PAGES, *rest_endpoints(formatters, prometheus_url=prometheus_url))
