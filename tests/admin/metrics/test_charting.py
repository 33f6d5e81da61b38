"""Charts of metrics show the same queues in the same colours, each where it belongs."""

from xml.etree import ElementTree as ET

from pyasynq.admin.charts.lines import line_chart
from pyasynq.admin.metrics.charting import charted_queues, metric_chart
from pyasynq.admin.metrics.sampler import QueueSample, Sampler

NOON_S = 1_800_000_000


def two_samples(queues):
    """A report of queues by their names: how many they process between two samples, and hold."""
    sampler = Sampler()
    for time_s in (NOON_S, NOON_S + 10):
        done = time_s > NOON_S
        sampler.take(
            time_s,
            {
                queue: QueueSample(
                    processed=count * done,
                    failed=done,
                    size=size,
                    pending=size,
                    retry=0,
                    archived=0,
                )
                for queue, (count, size) in queues.items()
            },
        )
    return sampler.report(end_s=NOON_S + 10, duration_s=20)


def test_queues_that_do_or_hold_the_most_are_charted():
    report = two_samples({"busy": (1000, 0), "full": (0, 5000), "little": (1, 1), "less": (0, 0)})

    assert charted_queues(report, most=3) == ["busy", "full", "little"]


def test_a_chart_has_a_line_for_each_queue_and_per_cents_for_error_rates():
    report = two_samples({"busy": (100, 3), "idle": (0, 4)})

    sizes = metric_chart(report, "queue_size", ["busy", "idle"], title="Size", label=str)
    rates = metric_chart(report, "error_rate", ["busy", "idle"], title="Errors", label=str)

    assert [list(each.values) for each in sizes.series] == [[3.0, 3.0], [4.0, 4.0]]
    assert [each.values[0] for each in rates.series] == [None, None]
    assert round(rates.series[0].values[1], 3) == 1.0  # per cent
    assert (sizes.unit, rates.unit) == ("", "%")
    assert [sizes.colour(at) for at in range(2)] == [rates.colour(at) for at in range(2)]
    ET.fromstring(line_chart(rates))
