"""What sentinels say about a master, and what follows from it; without I/O.

Each failover begins a new epoch, so of answers that differ the one of the highest epoch counts: a
sentinel that was cut off, or has not heard of a failover yet, still answers with an older one.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import AuthenticationError, NoPermissionError
from redis.exceptions import ConnectionError as NoConnectionError

from pyasynq.connection.transport.wrong_settings import (
    NO_SUCH_MASTER,
    OPEN_SENTINEL,
    SENTINEL_CREDENTIALS,
    SENTINEL_RIGHTS,
)

Address = tuple[str, int]

MOVED = "+switch-master"  # NAME OLD-HOST OLD-PORT NEW-HOST NEW-PORT
# slave NAME HOST PORT @ MASTER HOST PORT: the replica becomes the master within a moment, about a
# second before +switch-master. What is written to the old master from now on is lost.
PROMOTED = "+failover-state-send-slaveof-noone"
EVENTS = MOVED, PROMOTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one sentinel has said about one master.

    Attributes:
        sentinel: its address, as text.
        address: of the master; None if it does not know it, or did not answer.
        epoch: of its configuration.
        is_down: whether it cannot reach that master.
        names: of all masters that it knows.
        error: why it did not answer; None if it did.
    """

    sentinel: str
    address: Address | None = None
    epoch: int = -1
    is_down: bool = False
    names: Collection[str] = ()
    error: Exception | None = None

    @property
    def is_useful(self) -> bool:
        """Whether it names a master that may be there."""
        return self.address is not None and not self.is_down


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An event: the master is, or is about to be, another server.

    Attributes:
        is_done: whether the new one is the master already.
    """

    old: Address
    new: Address
    is_done: bool


def answer_of(
    sentinel: str, master: str, *, masters: dict[str, Any], address: tuple[Any, int] | None
) -> Answer:
    """Return the answer of a sentinel.

    Args:
        masters: what SENTINEL MASTERS answered; empty if it was not permitted.
        address: what SENTINEL GET-MASTER-ADDR-BY-NAME answered.
    """
    state = masters.get(master) or {}
    found = None if address is None else (_text(address[0]), address[1])
    # In a failover the new address is known before the state of the old master is forgotten.
    is_about_it = found == (state.get("ip"), state.get("port"))
    return Answer(
        sentinel=sentinel,
        address=found,
        epoch=state.get("config-epoch", -1),
        is_down=is_about_it and bool(state.get("is_sdown") or state.get("is_odown")),
        names=tuple(masters),
    )


def master_of(answers: Sequence[Answer], master: str) -> Address:
    """Return the address of the master that the sentinels name.

    Raises:
        NoConnectionError: they name none; its text says why.
    """
    epoch = max((each.epoch for each in answers if each.address is not None), default=-1)
    newest = [each.address for each in answers if each.is_useful and each.epoch == epoch]
    if not newest:
        raise NoConnectionError(_why_none(answers, master))
    named: Address = Counter(newest).most_common(1)[0][0] or ("", 0)
    return named


def read_event(channel: str, payload: bytes, master: str) -> Move | None:
    """Return what an event says about *master*; None if it says nothing, or cannot be read."""
    words = payload.decode("utf-8", "replace").split(" ")
    try:
        if channel == MOVED:
            name, old_host, old_port, new_host, new_port = words
        else:
            _type, _name, new_host, new_port, _at, name, old_host, old_port = words
        old, new = (old_host, int(old_port)), (new_host, int(new_port))
    except ValueError:
        return None
    return Move(old=old, new=new, is_done=channel == MOVED) if name == master else None


def role_fault(answers: Sequence[Any], address: Address) -> str | None:
    """Return what is wrong with a server that should be the master; None if nothing is.

    A user that may not ask for the role is believed to be at the master.

    Args:
        answers: the one to ROLE.
    """
    (answer,) = answers
    if not isinstance(answer, list) or not answer or answer[0] == b"master":
        return None
    return f"{shown(address)} is to be the master, but is still a {_text(answer[0])}"


def shown(address: Address) -> str:
    """Return an address as text."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _why_none(answers: Sequence[Answer], master: str) -> str:
    names = {name for each in answers for name in each.names}
    failures = [(each, each.error) for each in answers if each.error is not None]
    if len(failures) < len(answers) and not any(each.address for each in answers):
        known = f"; they know {', '.join(map(repr, sorted(names)))}" if names else ""
        return f"{NO_SUCH_MASTER}: {master!r}{known}"
    for each, error in failures:
        if fault := _setting_fault(error):
            return f"{fault} ({each.sentinel}: {error})"
    reasons = [f"{each.sentinel}: {error}" for each, error in failures]
    if len(failures) < len(answers):
        reasons.append("it is down, as they see it")
    return f"no master {master!r} ({'; '.join(reasons)})"


def _setting_fault(error: Exception) -> str | None:
    """Return which setting of ours makes a sentinel refuse us; None if it is another trouble."""
    if isinstance(error, NoPermissionError):
        return SENTINEL_RIGHTS
    if not isinstance(error, AuthenticationError):
        return None
    is_open = "without any password" in str(error) or "no password is set" in str(error)
    return OPEN_SENTINEL if is_open else SENTINEL_CREDENTIALS


def _text(word: Any) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)
