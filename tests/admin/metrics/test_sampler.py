"""Own sampling keeps an hour exactly and a day roughly, in a fixed number of bytes."""

import pytest

from pyasynq.admin.metrics.report import METRICS
from pyasynq.admin.metrics.sampler import MOST_QUEUES, QueueSample, Sampler

NOON_S = 1_800_000_000  # a multiple of every step


def sample(processed=0, failed=0, *, size=0, **others):
    given = {"pending": size, "retry": 0, "archived": 0, **others}
    return QueueSample(processed=processed, failed=failed, size=size, **given)


def sampled(*of_mail, every_s=10, first_s=NOON_S):
    """A sampler that has taken samples of the queue "mail"; None where it took none."""
    sampler = Sampler()
    for number, each in enumerate(of_mail):
        if each is not None:
            sampler.take(first_s + number * every_s, {"mail": each})
    return sampler


def values(report, metric):
    (row,) = report.series[metric]
    return row.values


def test_rates_come_from_what_happened_between_two_samples():
    sampler = sampled(sample(100, 10), sample(150, 20), sample(150, 20))

    report = sampler.report(end_s=NOON_S + 20, duration_s=30)

    assert report.times_s == [NOON_S, NOON_S + 10, NOON_S + 20]
    assert values(report, "tasks_processed_per_second") == [None, 5.0, 0.0]
    assert values(report, "tasks_failed_per_second") == [None, 1.0, 0.0]
    assert values(report, "error_rate") == pytest.approx([None, 0.2, None])


def test_what_a_queue_holds_is_as_it_was_at_the_sample():
    given = sample(size=7, pending=4, retry=2, archived=1, latency_s=1.5, memory=4096)

    report = sampled(given).report(end_s=NOON_S, duration_s=10)

    assert {metric: values(report, metric) for metric in METRICS if report.series[metric]} == {
        "queue_size": [7.0],
        "queue_latency_seconds": [1.5],
        "queue_memory_usage_approx_bytes": [4096.0],
        "pending_tasks_by_queue": [4.0],
        "retry_tasks_by_queue": [2.0],
        "archived_tasks_by_queue": [1.0],
    }


def test_what_was_not_sampled_is_a_gap_and_makes_no_rate():
    nothing = [None] * 7
    sampler = sampled(sample(0, size=1), sample(10, size=2), *nothing, sample(500, size=3))

    report = sampler.report(end_s=NOON_S + 90, duration_s=100)

    assert values(report, "queue_size") == [1.0, 2.0, *nothing, 3.0]
    assert values(report, "tasks_processed_per_second") == [None, 1.0, *nothing, None]


def test_a_queue_that_was_deleted_and_came_again_has_no_rate_below_zero():
    sampler = sampled(sample(1000), sample(5), sample(25))

    report = sampler.report(end_s=NOON_S + 20, duration_s=30)

    assert values(report, "tasks_processed_per_second") == [None, None, 2.0]


def test_more_than_an_hour_is_told_in_steps_of_two_minutes_in_which_peaks_stay():
    sizes = [1] * 12 + [1, 1, 90] + [1] * 9
    sampler = sampled(*(sample(10 * at, size=size) for at, size in enumerate(sizes)))

    report = sampler.report(end_s=NOON_S + 239, duration_s=7200)

    assert report.step_s == 120
    assert len(report.times_s) == 60
    assert values(report, "queue_size")[-2:] == [1.0, 90.0]
    assert values(report, "tasks_processed_per_second")[-2:] == [1.0, 1.0]


def test_what_is_older_than_an_hour_is_known_roughly_and_after_a_day_no_more():
    day = [sample(size=each) for each in range(8641)]
    sampler = sampled(*day)
    now_s = NOON_S + 86_400

    hour = sampler.report(end_s=now_s, duration_s=3600)
    early = sampler.report(end_s=now_s - 7200, duration_s=3600)
    long_ago = sampler.report(end_s=now_s - 2 * 86_400, duration_s=3600)

    assert (hour.step_s, values(hour, "queue_size")[0], len(hour.times_s)) == (10, 8281.0, 360)
    assert (early.step_s, values(early, "queue_size")[-1], len(early.times_s)) == (120, 7931.0, 30)
    assert long_ago.series["queue_size"] == []


def test_a_week_is_answered_with_the_day_that_is_known():
    report = sampled(sample(size=1)).report(end_s=NOON_S, duration_s=8 * 86_400)

    assert (report.times_s[0], len(report.times_s)) == (NOON_S - 86_400 + 120, 720)
    assert report.began_s == NOON_S


def test_a_second_sample_in_the_same_step_changes_nothing():
    sampler = sampled(sample(size=1))

    assert not sampler.is_due(NOON_S + 9.9)
    sampler.take(NOON_S + 5, {"mail": sample(size=2)})

    assert values(sampler.report(end_s=NOON_S, duration_s=10), "queue_size") == [1.0]


def test_two_hundred_queues_take_seven_megabytes_and_more_are_counted():
    sampler = Sampler()

    sampler.take(NOON_S, {f"queue {number}": sample(size=number) for number in range(1000)})

    assert sampler.size_bytes == 6_912_000
    report = sampler.report(end_s=NOON_S, duration_s=10)
    assert (len(report.series["queue_size"]), report.left_out) == (MOST_QUEUES, 800)
    assert min(row.values[0] for row in report.series["queue_size"]) == 800.0


def test_a_queue_that_is_gone_makes_room_for_a_new_one():
    sampler = Sampler(most_queues=2)
    sampler.take(NOON_S, {"a": sample(size=1), "b": sample(size=1)})

    sampler.take(NOON_S + 10, {"a": sample(size=1), "b": sample(size=1), "c": sample(size=1)})
    before = set(sampler.queues)
    sampler.take(NOON_S + 20, {"b": sample(size=1), "c": sample(size=1)})

    assert (before, set(sampler.queues)) == ({"a", "b"}, {"b", "c"})
    assert sampler.report(end_s=NOON_S, duration_s=10).left_out == 0


def test_only_the_queues_that_are_asked_for_are_reported():
    sampler = Sampler()
    sampler.take(NOON_S, {"a": sample(size=1), "b": sample(size=2)})

    report = sampler.report(end_s=NOON_S, duration_s=10, queues=["b", "nobody"])

    assert [row.queue for row in report.series["queue_size"]] == ["b"]


def test_if_no_queue_is_named_those_that_do_or_hold_the_most_are_reported():
    sampler = Sampler()
    for time_s in (NOON_S, NOON_S + 10):
        done = 10 * (time_s - NOON_S)
        queues = {"busy": sample(done), "full": sample(size=9), "idle": sample(size=1)}
        sampler.take(time_s, queues)

    report = sampler.report(end_s=NOON_S + 10, duration_s=20, most=2)

    assert [row.queue for row in report.series["queue_size"]] == ["busy", "full"]
    assert report.left_out == 1


def test_values_that_a_float_cannot_hold_are_the_largest_that_it_can():
    report = sampled(sample(size=10**60)).report(end_s=NOON_S, duration_s=10)

    assert values(report, "queue_size") == pytest.approx([3e38])
