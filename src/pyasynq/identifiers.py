"""IDs of new tasks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from struct import Struct

BATCH = 64  # IDs made together: each costs a third of an ID made alone

# RFC 9562 section 4: digit 13 is the version, 4; the upper bits of digit 17 are the variant, 10.
_FREE_BITS = int("ffffffffffff0fff3fffffffffffffff" * BATCH, 16)
_FIXED_BITS = int("00000000000040008000000000000000" * BATCH, 16)
_PARTS = Struct("8s4s4s4s12s")
# By process: after a fork the child would otherwise use the IDs of its parent, and some servers
# fork without Python's knowledge. Shared by all threads: `list.pop` gives each ID to one of them.
_stocks: "dict[int, list[str] | _InOrder]" = {}
_numbers = count(1)


class _InOrder:
    """A stock that never ends, of IDs each of which comes after the last one in the alphabet."""

    def pop(self) -> str:
        number = next(_numbers)
        return f"{number >> 16:08x}-{number & 0xFFFF:04x}-4000-8000-{os.getpid():012x}"

    def extend(self, ids: list[str]) -> None:
        """Take no other IDs."""


def new_task_id() -> str:
    """Return a random UUID (version 4) as text; random bytes are fetched for 64 at a time."""
    try:
        return _stocks[os.getpid()].pop()
    except (IndexError, KeyError):
        first, *others = _new_ids()
        _stocks.setdefault(os.getpid(), []).extend(others)
        return first


@contextmanager
def ids_in_order() -> Iterator[None]:
    """Let this process make IDs in order inside the block, for tests.

    Redis sorts tasks that are due at the same moment by their IDs, so they run in the order in
    which they were enqueued.
    """
    pid = os.getpid()
    before = _stocks.pop(pid, [])
    _stocks[pid] = _InOrder()
    try:
        yield
    finally:
        _stocks[pid] = before


def _new_ids() -> list[str]:
    bits = int.from_bytes(os.urandom(16 * BATCH)) & _FREE_BITS | _FIXED_BITS
    digits = bits.to_bytes(16 * BATCH).hex().encode()
    return b" ".join(map(b"-".join, _PARTS.iter_unpack(digits))).decode().split()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_stocks.clear)
