"""How large a payload may be, and who is told when one is large.

A large payload is slow for everybody: Redis copies it with every step of the task. So one beyond
`max_payload_size` is said once per task type; one that a Redis string cannot hold is refused.
"""

import logging

MEBIBYTE = 1 << 20
DEFAULT_MAX_PAYLOAD_SIZE = MEBIBYTE
LARGEST_PAYLOAD_BYTES = 512 * MEBIBYTE  # one Redis string
MOST_TYPES = 1000  # remembered; beyond them nothing is said

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
    """Tells of large payloads, once per task type.

    Attributes:
        limit_bytes: the largest payload of which nothing is said.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._said: set[str] = set()

    def check(self, task_type: str, payload: bytes | None) -> None:
        """Say so if *payload* is larger than the limit; safe from any thread."""
        if payload is None or len(payload) <= self.limit_bytes:
            return
        if task_type in self._said or len(self._said) >= MOST_TYPES:
            return
        self._said.add(task_type)
        logger.warning(
            "a payload of task type %r has %d bytes, more than max_payload_size (%d); "
            "store it elsewhere and enqueue where it is, or raise max_payload_size",
            task_type,
            len(payload),
            self.limit_bytes,
            extra={"task_type": task_type},
        )
