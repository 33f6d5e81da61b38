"""What is measured of queues, whoever works on them.

asynq v0.26 x/metrics/metrics.go: the names, labels and types that begin with ``asynq_``; the state
aggregating is added. Those that begin with ``pyasynq_`` are ours.
"""

from pyasynq.measurements.metric import Metric

TASKS_BY_STATE = Metric(
    name="asynq_tasks_enqueued_total",
    kind="gauge",
    help="Number of tasks enqueued; broken down by queue and state.",
    labels=("queue", "state"),
)
SIZE = Metric(
    name="asynq_queue_size",
    kind="gauge",
    help="Number of tasks in a queue",
    labels=("queue",),
)
LATENCY = Metric(
    name="asynq_queue_latency_seconds",
    kind="gauge",
    help="Number of seconds the oldest pending task is waiting in pending state to be processed.",
    labels=("queue",),
)
MEMORY = Metric(
    name="asynq_queue_memory_usage_approx_bytes",
    kind="gauge",
    help="Number of memory used by a given queue (approximated number by sampling).",
    labels=("queue",),
)
PROCESSED = Metric(
    name="asynq_tasks_processed_total",
    kind="counter",
    help="Number of tasks processed (both succeeded and failed); broken down by queue",
    labels=("queue",),
)
FAILED = Metric(
    name="asynq_tasks_failed_total",
    kind="counter",
    help="Number of tasks failed; broken down by queue",
    labels=("queue",),
)
PAUSED = Metric(
    name="asynq_queue_paused_total",
    kind="gauge",
    help="Number of queues paused",
    labels=("queue",),
)
QUEUE_UP = Metric(
    name="pyasynq_queue_up",
    kind="gauge",
    help="1 if the numbers of a queue could be read, else 0.",
    labels=("queue",),
)
QUEUE_SERVERS = Metric(
    name="pyasynq_queue_servers",
    kind="gauge",
    help="Living servers, in Python or Go, that serve a queue.",
    labels=("queue",),
)
REDIS_UP = Metric(
    name="pyasynq_redis_up",
    kind="gauge",
    help="1 if Redis answered when queues were read, else 0.",
)

GO_QUEUE_METRICS = (TASKS_BY_STATE, SIZE, LATENCY, MEMORY, PROCESSED, FAILED, PAUSED)
QUEUE_METRICS = (*GO_QUEUE_METRICS, QUEUE_UP, QUEUE_SERVERS, REDIS_UP)
