"""The operations of the ticks of an entry: pure, for whoever runs them."""

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import schedulers
from pyasynq.broker.operations.schedulers import TickAnswer, TickRecord
from pyasynq.clock import NANOSECONDS, to_datetime
from pyasynq.scheduler.entry import Entry
from pyasynq.scheduler.plan import Planned
from pyasynq.wire.keys import queue_keys

KNOWN_S = 90 * 86_400  # for how long a tick is known after the next one is due


def read_tick(entry: Entry, namespace: str, now_s: int) -> Operation[TickRecord]:
    """Read what is known of the ticks of an entry; one that is new is noted."""
    keys = queue_keys(entry.queue, namespace)
    return schedulers.read_tick(keys, entry.id, now_s=now_s, ttl_s=_known_for_s(entry, now_s))


def enqueue_tick(planned: Planned, now_ns: int) -> Operation[TickAnswer]:
    """Store the task of the tick that is due; it must have been made."""
    entry, item, tick_s = planned.entry, planned.item, planned.tick_s
    assert item is not None and tick_s is not None  # noqa: S101, PT018 - as it is due
    return schedulers.enqueue_tick(
        item,
        entry.id,
        tick_s=tick_s,
        ttl_s=_known_for_s(entry, tick_s),
        now_ns=now_ns,
        overlap=entry.policy.overlap,
    )


def _known_for_s(entry: Entry, at_s: int) -> int:
    """Return for how long a tick must be known: well beyond the next one."""
    following = entry.schedule.next_after(to_datetime(at_s * NANOSECONDS))
    return KNOWN_S + (0 if following is None else int(following.timestamp()) - at_s)
