"""What is known of a proxy between us and Redis, and what we may send through it.

twemproxy closes a connection on every command that it does not pass on, which are those without a
key and those that wait. On a shared connection that would end the calls of others. So what has no
key is asked from within a script, which has one, and the rest is refused here, in the words in
which a server refuses a command that it does not know.
"""

from collections.abc import Sequence
from typing import Any

from pyasynq.connection.transport.replies import Command, Refusal
from pyasynq.connection.transport.wrong_settings import NO_HASH_TAGS

_REFUSED = frozenset({"BLMOVE", "CLIENT", "CLUSTER", "HELLO", "PUBLISH", "WAIT"})
_TIME = "return redis.call('TIME')"
_INFO = "return redis.call('INFO', unpack(ARGV))"
_MEMORY = "return redis.call('MEMORY', 'USAGE', KEYS[1])"
# The answer differs from server to server, and from start to start.
_SERVER = """
local info = redis.pcall('INFO', 'server')
return type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
"""
_PROBES = 16  # keys; two servers out of two serve all of them by chance once in 32,000 times


class Proxy:
    """What all connections of one connector know of a proxy in front of Redis.

    Attributes:
        is_there: whether there is one that closes the connection on what it does not pass on.
        is_checked: whether all keys of a queue are known to be on one server behind it.

    Args:
        namespace: first word of every key.
        is_certain: somebody has said that there is one.
    """

    def __init__(self, namespace: str, *, is_certain: bool = False) -> None:
        self.is_there: bool = is_certain
        self.is_checked: bool = False
        self._namespace = namespace

    def found(self) -> None:
        """Note that there is one."""
        self.is_there = True

    @property
    def probes(self) -> list[Command]:
        """Commands that only read, and ask the servers of some keys of one queue who they are."""
        # The number stands in the middle: twemproxy's hashes of keys that end otherwise are close.
        keys = [f"{self._namespace}:{{proxy}}:{number}:which-server" for number in range(_PROBES)]
        return [("EVAL", _SERVER, 1, key) for key in keys]

    def check(self, answers: Sequence[Any]) -> str | None:
        """Return what is wrong, as the answers to `probes` show; None if nothing is."""
        servers = {answer for answer in answers if isinstance(answer, bytes)}
        self.is_checked = len(servers) <= 1
        return None if self.is_checked else NO_HASH_TAGS

    def sort(self, commands: Sequence[Command]) -> tuple[list[Command], dict[int, Refusal]]:
        """Return what to send for *commands*, and the refusals of the others by their position."""
        sent: list[Command] = []
        refused: dict[int, Refusal] = {}
        for position, command in enumerate(commands):
            if command[0] in _REFUSED:
                refused[position] = Refusal(
                    f"ERR unknown command '{command[0]}': the proxy in front of redis does not "
                    "pass it on"
                )
            else:
                sent.append(self._through(command))
        return sent, refused

    def _through(self, command: Command) -> Command:
        """Return what does the same as *command*, and has a key."""
        if command[0] == "TIME":
            return ("EVAL", _TIME, 1, self._any_key)
        if command[0] == "INFO":
            return ("EVAL", _INFO, 1, self._any_key, *command[1:])
        if command[:2] == ("MEMORY", "USAGE"):
            return ("EVAL", _MEMORY, 1, *command[2:])
        return command

    @property
    def _any_key(self) -> str:
        return f"{self._namespace}:queues"


def merged(replies: Sequence[Any], refused: dict[int, Refusal]) -> list[Any]:
    """Return the replies to all commands, in their order.

    Args:
        replies: to those that were sent.
        refused: what `Proxy.sort` refused.
    """
    rest = iter(replies)
    count = len(replies) + len(refused)
    return [refused[i] if i in refused else next(rest) for i in range(count)]


def is_unknown(answer: object) -> bool:
    """Return whether a server answered that it does not know a command."""
    return isinstance(answer, Exception) and "unknown command" in str(answer).lower()
