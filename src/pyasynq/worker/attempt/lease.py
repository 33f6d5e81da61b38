"""When leases begin and end, in whole Unix seconds of Redis."""

from pyasynq.clock import NANOSECONDS, Clock


def lease_expires_at_s(clock: Clock, lease_s: float) -> int:
    """Return when a lease taken now expires."""
    return (clock.redis_now_ns() + int(lease_s * NANOSECONDS)) // NANOSECONDS


def lease_cutoff_s(clock: Clock, lease_s: float) -> int:
    """Return the latest expiry that counts as lost: one lease ago."""
    return (clock.redis_now_ns() - int(lease_s * NANOSECONDS)) // NANOSECONDS
