"""IDs of new tasks."""

import os
import threading

BATCH = 256
VARIANTS = "89ab"  # RFC 9562 section 4.1: the digit begins with the bits 10


class _Entropy(threading.local):
    """Random bytes in stock, of one thread."""

    stock = b""
    position = 0


_entropy = _Entropy()


def new_task_id() -> str:
    """Return a random UUID (version 4) as text; the system is asked once for 256 of them."""
    start = _entropy.position
    if start >= len(_entropy.stock):
        _entropy.stock, start = os.urandom(16 * BATCH), 0
    _entropy.position = start + 16
    digits = _entropy.stock[start : start + 16].hex()
    variant = VARIANTS[_entropy.stock[start + 8] & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def _forget_stock() -> None:
    """After a fork the child would use the same bytes as its parent."""
    _entropy.stock, _entropy.position = b"", 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_stock)
