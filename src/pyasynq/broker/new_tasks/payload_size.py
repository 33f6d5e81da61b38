"""How large a payload may be, and a warning about large ones.

A large payload is slow for everybody: Redis copies it with every step of the task. So a payload
beyond `max_payload_size` is logged once per task type; one that does not fit into a Redis string is
refused.
"""

import logging
from collections.abc import Sequence

from pyasynq.shown import shown

MEBIBYTE = 1 << 20
DEFAULT_MAX_PAYLOAD_SIZE = MEBIBYTE
LARGEST_PAYLOAD_BYTES = 512 * MEBIBYTE  # one Redis string
MOST_TYPES = 1000  # task types remembered; no further ones are logged

logger = logging.getLogger("pyasynq.payload_size")


def max_payload_size_fault(value: object) -> str | None:
    """Return what is wrong with a value of max_payload_size; None if it is good."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole and value in range(1, LARGEST_PAYLOAD_BYTES + 1):
        return None
    return (
        "max_payload_size must be a whole number of bytes from 1 to "
        f"{LARGEST_PAYLOAD_BYTES}, not {value!r}"
    )


class PayloadSizes:
    """Logs large payloads, once per task type.

    Attributes:
        limit_bytes: larger payloads are logged.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._logged: set[str] = set()

    def check_all(self, task_type: str, payloads: Sequence[bytes | None]) -> None:
        """Check every one of *payloads*; see `check`."""
        for payload in payloads:
            if payload is not None and len(payload) > self.limit_bytes:
                self.check(task_type, payload)

    def check(self, task_type: str, payload: bytes | None) -> None:
        """Log a warning if *payload* is larger than the limit; may be called in any thread."""
        if payload is None or len(payload) <= self.limit_bytes:
            return
        if task_type in self._logged or len(self._logged) >= MOST_TYPES:
            return
        self._logged.add(task_type)
        logger.warning(
            "a payload of task type %r has %d bytes, more than max_payload_size (%d); "
            "store the data elsewhere and enqueue a reference to it, or raise max_payload_size",
            shown(task_type),
            len(payload),
            self.limit_bytes,
            extra={"task_type": shown(task_type)},
        )
