"""What was counted waits by minute to be written, within bounds."""

from pyasynq.wire.type_counts import TypeCountsRecord
from pyasynq.worker.record import unwritten_counts
from pyasynq.worker.record.unwritten_counts import UnwrittenCounts

EMAIL = "mail", "email"


def one(count=1):
    return {EMAIL: TypeCountsRecord(count=count)}


def test_minutes_are_apart():
    waiting = UnwrittenCounts()
    waiting.put(8, one())
    waiting.put(7, one(2))

    assert waiting.minutes == [7, 8]
    assert waiting.take(7) == one(2)
    assert waiting.minutes == [8]


def test_a_minute_without_anything_is_not_kept():
    waiting = UnwrittenCounts()
    waiting.put(7, {})

    assert waiting.minutes == []


def test_of_too_many_minutes_the_earliest_is_dropped():
    waiting = UnwrittenCounts()
    for minute in range(100):
        waiting.put(minute, one())

    assert waiting.minutes == list(range(40, 100))


def test_what_is_put_back_is_counted_once():
    waiting = UnwrittenCounts()
    waiting.put(7, one())
    taken = waiting.take(7)
    waiting.put(7, one())
    waiting.put(7, taken)

    assert waiting.take(7)[EMAIL].count == 2


def test_a_call_writes_one_queue_and_a_bounded_number_of_types():
    counts = {("mail", f"t{n}"): TypeCountsRecord(count=1) for n in range(250)}
    counts["ads", "email"] = TypeCountsRecord(count=1)

    calls = list(unwritten_counts.calls(7, counts, "asynq"))

    assert sorted(len(some) for _keys, some, _operation in calls) == [1, 50, 100, 100]
    assert all({queue for queue, _ in some} == {keys.queue} for keys, some, _operation in calls)
