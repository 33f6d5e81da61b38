"""What a scheduler measures of its work."""

from pyasynq.measurements.metric import SECONDS, Metric

TICKS = Metric(
    name="pyasynq_scheduler_ticks_total",
    kind="counter",
    help="Ticks of periodic tasks that this scheduler led, by what came of them.",
    labels=("scheduler", "entry", "outcome"),
)
TICK_LATENESS = Metric(
    name="pyasynq_scheduler_tick_lateness_seconds",
    kind="histogram",
    help="How late ticks were enqueued, in seconds.",
    labels=("scheduler",),
    bounds=SECONDS,
)
ENTRIES = Metric(
    name="pyasynq_scheduler_entries",
    kind="gauge",
    help="Periodic tasks of this scheduler; of several processes the largest number.",
    labels=("scheduler",),
    together="largest",
)
LEADS = Metric(
    name="pyasynq_scheduler_leads",
    kind="gauge",
    help="1 if this scheduler leads, so that it enqueues what is due, else 0.",
    labels=("scheduler",),
)

SCHEDULER_METRICS = (TICKS, TICK_LATENESS, ENTRIES, LEADS)
