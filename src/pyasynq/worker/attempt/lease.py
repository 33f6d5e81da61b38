"""When leases begin and end, in whole Unix seconds, safe for a clock that is wrong."""

from pyasynq.clock import NANOSECONDS, Clock


def lease_expires_at_s(clock: Clock, lease_s: float) -> int:
    """Return when a lease taken now expires: one lease after the later of both clocks."""
    latest_ns = max(clock.now_ns(), clock.redis_now_ns())
    return (latest_ns + int(lease_s * NANOSECONDS)) // NANOSECONDS


def lease_cutoff_s(clock: Clock, lease_s: float) -> int:
    """Return the latest expiry that counts as lost: one lease before the earlier of both clocks."""
    earliest_ns = min(clock.now_ns(), clock.redis_now_ns())
    return (earliest_ns - int(lease_s * NANOSECONDS)) // NANOSECONDS
