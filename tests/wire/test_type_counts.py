"""Durations are counted by bucket, and percentiles of them are exact to a tenth."""

import pytest

from pyasynq.wire.type_counts import LAST_BUCKET, TypeCountsRecord, bucket_of, decode, share_ns

MS = 1_000_000


@pytest.mark.parametrize(
    ("duration_ns", "bucket"),
    [
        *((-5, "0"), (0, "0"), (99_999, "0"), (100_000, "1"), (118_920, "1"), (118_921, "2")),
        *((200_000, "5"), (MS, "14"), (1000 * MS, "54"), (86_400 * 1000 * MS, "119")),
        *((100_000 * 1000 * MS, "120"), (10**30, "120")),
    ],
)
def test_a_duration_has_one_bucket(duration_ns, bucket):
    assert bucket_of(duration_ns) == bucket


def test_percentiles_are_exact_to_a_tenth():
    buckets = {}
    for ms in range(1, 1001):
        buckets[bucket_of(ms * MS)] = buckets.get(bucket_of(ms * MS), 0) + 1

    found = [share_ns(buckets, share) / MS for share in (0.5, 0.95, 0.99)]

    assert found == pytest.approx([500, 950, 990], rel=0.1)


def test_without_durations_there_is_no_percentile():
    assert share_ns({}, 0.5) is None
    assert share_ns({"5": 0, "6": -1}, 0.5) is None


def test_buckets_that_nobody_writes_do_no_harm():
    assert share_ns({"": 1, "x": 1, "-3": 1, "9" * 5000: 1}, 0.5) <= 100_000
    assert share_ns({"999": 1}, 1) == share_ns({str(LAST_BUCKET): 1}, 1)


def test_sums_are_new():
    one = TypeCountsRecord(count=1, failures=1, run={"1": 1}, wait={"2": 1})
    total = TypeCountsRecord()

    total.add(one)
    total.add(one)

    assert total == TypeCountsRecord(count=2, failures=2, run={"1": 2}, wait={"2": 2})
    assert one.count == 1
    assert TypeCountsRecord().run == {}


def test_what_cannot_be_read_is_nothing():
    assert [decode(each) for each in (b"", b"\xff", b"[]", b'{"n":"x"}', b'{"run":[]}')] == [
        None
    ] * 5
