"""Reports of metrics with fewer times than were read."""

from pyasynq.admin.metrics.report import METRICS, MetricsReport, QueueSeries, thinned


def report(values):
    return MetricsReport(
        source="own",
        times_s=[10 * (at + 1) for at in range(len(values))],
        step_s=10,
        series={metric: [QueueSeries(queue="a", values=values)] for metric in METRICS},
    )


def test_each_time_stands_for_the_mean_of_those_before_it():
    found = thinned(report([1.0, 3.0, None, 5.0, None, None, 7.0]), 4)

    assert found.times_s == [20, 40, 60, 70]
    assert found.step_s == 20
    assert found.series["queue_size"][0].values == [2.0, 5.0, None, 7.0]


def test_few_times_stay_as_they_are():
    few = report([1.0, None])

    assert thinned(few, 2) is few
    assert thinned(report([]), 2).times_s == []
