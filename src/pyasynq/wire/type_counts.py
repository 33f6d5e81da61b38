"""What was done of one task type in one minute, as servers store it: JSON in a key of ours.

``{"n":12,"f":1,"run":{"23":11,"40":1},"wait":{"9":12}}``: how many attempts ended, how many of them
failed, and how long they ran and waited. Durations are counted by bucket. Bucket 0 is for less
than 0.1 ms. Each further one reaches 19 % further: four of them double a duration. The last one,
120, is for what takes longer than a day.
"""

import math
from bisect import bisect_right

import msgspec

MINUTE_S = 60
KEPT_MINUTES = 60
LIVES_MINUTES = 65  # statistics of a type after the last one was written
MOST_TYPES = 500  # of a queue
OTHERS = "*"  # the name for all others
FIRST_NS = 100_000  # where bucket 1 begins
PER_DOUBLING = 4
LAST_BUCKET = 120
STARTS_NS = tuple(
    math.ceil(FIRST_NS * 2 ** (number / PER_DOUBLING)) for number in range(LAST_BUCKET)
)  # of each bucket but the first one, 0
LONGEST_NUMBER = 3  # digits

Buckets = dict[str, int]
"""How many durations each bucket holds."""


class TypeCountsRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Counts of one minute, or the sum of some.

    Attributes:
        count: how many attempts ended, failures included.
        failures: how many of them failed.
        run: how long they ran.
        wait: how long their tasks were pending before.
    """

    count: int = msgspec.field(name="n", default=0)
    failures: int = msgspec.field(name="f", default=0)
    run: Buckets = {}
    wait: Buckets = {}

    def add(self, other: "TypeCountsRecord") -> None:
        """Add what *other* has counted."""
        self.count += other.count
        self.failures += other.failures
        _add(self.run, other.run)
        _add(self.wait, other.wait)


_decoder = msgspec.json.Decoder(TypeCountsRecord)


def encode(record: TypeCountsRecord) -> bytes:
    """Return *record* as it is stored."""
    return msgspec.json.encode(record)


def decode(data: bytes) -> TypeCountsRecord | None:
    """Return the counts in *data*; None if they cannot be read."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def bucket_of(duration_ns: int) -> str:
    """Return the bucket of a duration."""
    return str(bisect_right(STARTS_NS, duration_ns))


def share_ns(buckets: Buckets, share: float) -> int | None:
    """Return the duration that *share* of all durations do not exceed; None if there are none.

    It is exact to a tenth, as the bounds of the buckets are.
    """
    known = sorted((_number(name), count) for name, count in buckets.items() if count > 0)
    total = sum(count for _bucket, count in known)
    rank, before = share * total, 0
    for bucket, count in known:
        if before + count >= rank:
            return _within(bucket, (rank - before) / count)
        before += count
    return None


def _within(bucket: int, share: float) -> int:
    """Return the duration up to which *share* of a bucket reaches."""
    if bucket <= 0:
        return int(FIRST_NS * share)
    return int(FIRST_NS * 2 ** ((bucket - 1 + share) / PER_DOUBLING))


def _number(name: str) -> int:
    return min(int(name), LAST_BUCKET) if name.isdecimal() and len(name) <= LONGEST_NUMBER else 0


def _add(counts: Buckets, more: Buckets) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count
