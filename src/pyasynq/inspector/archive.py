"""How large the archive of a queue may become through an inspector."""

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations.maintain import trim_archive
from pyasynq.clock import NANOSECONDS
from pyasynq.wire.keys import QueueKeys

MAX_SIZE = 9_999  # asynq v0.26 rdb.go maxArchiveSize: it trims to one less than 10,000
MAX_AGE_S = 90 * 86_400


def trim(keys: QueueKeys, *, added: int, now_ns: int) -> Operation[int]:
    """Delete what is too much in an archive to which tasks were added, but little more than these.

    A server may be set to keep more. So an archive that is larger than the limit does not grow, but
    loses only one task more than was added.
    """
    return trim_archive(
        keys,
        now_s=now_ns // NANOSECONDS,
        max_size=MAX_SIZE,
        max_age_s=MAX_AGE_S,
        limit=min(added + 1, 500),
    )
