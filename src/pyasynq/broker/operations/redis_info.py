"""Operations about Redis itself: does it answer, does it hold certain keys, what it reports."""

from collections.abc import Sequence
from typing import Any

from pyasynq.broker.decoding import text
from pyasynq.broker.operation import Operation, Repeat, ignore

PING: Operation[None] = Operation("PING", (), (), ignore, Repeat.SAFE)


def exists_any(keys: Sequence[str]) -> Operation[bool]:
    """Return whether any of the keys exists, of whichever queues; not for a cluster."""
    return Operation("EXISTS", tuple(keys), (), bool, Repeat.SAFE)


def redis_info() -> Operation[dict[str, str]]:
    """Read what Redis reports about itself (INFO), as text."""
    return Operation("INFO", (), (), _info, Repeat.SAFE)


def _info(reply: Any) -> dict[str, str]:
    if isinstance(reply, dict):
        return {_text(name): _text(value) for name, value in reply.items()}
    lines = (line.split(":", 1) for line in text(reply).split("\r\n") if line.count(":") >= 1)
    return {line[0]: line[1] for line in lines if not line[0].startswith("#")}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
