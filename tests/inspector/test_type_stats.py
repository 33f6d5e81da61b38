"""Statistics of task types as users see them, from what servers have stored; pure."""

from datetime import UTC, datetime, timedelta

from pyasynq.inspector.type_stats import (
    Percentiles,
    TypeCounts,
    first_minute,
    handlers_of,
    names_of,
    type_info,
    type_stats,
)
from pyasynq.wire.handled import Handled
from pyasynq.wire.type_counts import TypeCountsRecord, bucket_of

NOW_S = 2_000_000_000
SINCE = first_minute(NOW_S)
LAST = SINCE + 59


def counted(count, failures=0, *, run_ms=1):
    buckets = {bucket_of(run_ms * 1_000_000): count}
    return TypeCountsRecord(count=count, failures=failures, run=buckets)


def test_the_hour_ends_with_the_last_minute_that_is_over():
    stats = type_stats("email", 0, {}, NOW_S)

    assert len(stats.minutes) == 60
    assert stats.minutes[-1].at == datetime(2033, 5, 18, 3, 32, tzinfo=UTC)
    assert {each.counts for each in stats.minutes} == {TypeCounts()}
    assert stats.queues == ()


def test_minutes_and_queues_are_summed_up():
    given = {
        "mail": {SINCE - 1: counted(100), SINCE: counted(1), LAST: counted(2, 1)},
        "ads": {LAST: counted(4, run_ms=1000), LAST + 1: counted(100)},
        "old": {SINCE - 9: counted(1)},
    }

    stats, info = type_stats("email", 3, given, NOW_S), type_info("email", 3, given, NOW_S)

    assert (stats.counts.count, stats.counts.failures) == (7, 1)
    assert info.counts == stats.counts
    assert info.queues == ("ads", "mail")
    assert [each.queue for each in stats.queues] == ["ads", "mail"]
    assert [stats.minutes[0].counts.count, stats.minutes[-1].counts.count] == [1, 6]
    assert stats.queues[0].counts.run.p50 > timedelta(seconds=0.9)
    assert stats.queues[1].counts.run.p99 < timedelta(seconds=0.0012)
    assert stats.counts.waiting == Percentiles()


def test_a_beginning_of_types_is_named_only_where_nothing_is_counted_that_begins_so():
    handled = [Handled(types=("email*", "image:*", "report")), Handled(), Handled(types=("*",))]

    assert names_of(handled, ()) == {"email*", "image:*", "report", "*"}
    assert names_of(handled, {"email:welcome", "imago"}) == {
        *("email:welcome", "imago", "image:*", "report"),
    }


def test_servers_that_tell_nothing_are_not_counted_as_handlers():
    handled = [Handled(types=("email*",)), Handled(), Handled(types=("email:a",))]

    assert [handlers_of(each, handled) for each in ("email:a", "email*", "other")] == [2, 1, 0]
