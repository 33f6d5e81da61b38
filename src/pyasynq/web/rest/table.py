"""The table of everything that is answered."""

from pyasynq.web.formatting import Formatters
from pyasynq.web.rest import probes, queues, redis_info, scrape
from pyasynq.web.rest.metrics import metric_endpoints
from pyasynq.web.rest.schedulers import scheduler_endpoints
from pyasynq.web.rest.servers import server_endpoints
from pyasynq.web.rest.task_endpoints import task_endpoints
from pyasynq.web.rest.x import (
    events,
    exports,
    history,
    jobs,
    queue_tasks,
    schedulers,
    tasks,
    troubles,
)
from pyasynq.web.rest.x import queues as queues_of_ours
from pyasynq.web.rest.x.openapi import openapi_endpoint
from pyasynq.web.routing import Endpoint


def endpoints(formatters: Formatters, *, prometheus_url: str = "") -> tuple[Endpoint, ...]:
    """Return everything that is answered.

    Args:
        formatters: how payloads and results are shown.
        prometheus_url: where Prometheus is; empty if nobody said so.
    """
    table: list[Endpoint] = [
        *probes.ENDPOINTS,
        *scrape.ENDPOINTS,
        *queues.ENDPOINTS,
        *task_endpoints(formatters),
        *server_endpoints(formatters),
        *scheduler_endpoints(formatters),
        *redis_info.ENDPOINTS,
        *metric_endpoints(prometheus_url),
        *troubles.ENDPOINTS,
        *queues_of_ours.ENDPOINTS,
        *queue_tasks.ENDPOINTS,
        *tasks.ENDPOINTS,
        *history.ENDPOINTS,
        *schedulers.ENDPOINTS,
        *jobs.ENDPOINTS,
        *exports.ENDPOINTS,
        *events.ENDPOINTS,
    ]
    table.append(openapi_endpoint(lambda: table))
    return tuple(table)
