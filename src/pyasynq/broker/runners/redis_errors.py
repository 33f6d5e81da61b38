"""What an error of Redis means: try again, or which error of ours it is."""

import re
from typing import Any

from pyasynq.broker.operation import Operation, Script
from pyasynq.errors import ConfigError, IncompatibleRedisError, PyasynqError

# The server did not execute the call, and will be able to later.
_PASSING = (
    "MOVED ",
    "ASK ",
    "LOADING",
    "READONLY",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "BUSY ",
    "UNBLOCKED",
    "NOREPLICAS",
    "MISCONF",  # its disk is full
)
_NO_CLUSTER = "cluster support disabled"
_CREDENTIALS = ("WRONGPASS", "NOAUTH", "invalid username-password", "Authentication required")


# Where in a script it happened: Redis 7 says it behind the error, older ones before it.
_PLACE_IN_SCRIPT = re.compile(
    r" script: (?:[0-9a-f]{40}, )?on @user_script:\d+\.?$"
    r"|^Error running script \(call to f_[0-9a-f]{40}\): @user_script: ?\d+: -?"
)


def said(text: str) -> str:
    """Return what the server said, without the code and the place that say nothing to a user."""
    return _PLACE_IN_SCRIPT.sub("", text.removeprefix("ERR "))


def is_no_script(text: str) -> bool:
    """Tell whether the server does not know a script (any more)."""
    return text.startswith(("NOSCRIPT", "No matching script"))


def is_passing(text: str) -> bool:
    """Tell whether the same call will work later."""
    return any(word in text for word in _PASSING) or "redis is loading" in text.lower()


def is_credentials(text: str) -> bool:
    """Tell whether the server refuses the user or the password."""
    return any(word in text for word in _CREDENTIALS)


def is_refusal(text: str) -> bool:
    """Tell whether a connection was refused for good: trying again does not help."""
    return is_credentials(text) or _is_permission(text) or _NO_CLUSTER in text


def refusal(operation: Operation[Any], text: str) -> PyasynqError:
    """Return the error for an answer that will not get better by itself.

    Args:
        operation: what was refused.
        text: what the server said, by `said`.
    """
    call, lowered = operation.name, text.lower()
    if is_credentials(text):
        return ConfigError(f"redis refuses the user or the password: {text}")
    if _NO_CLUSTER in text:
        return ConfigError("this redis is no cluster; use a redis:// URL for a single server")
    if "maxmemory" in lowered or text.startswith("OOM"):
        return IncompatibleRedisError(
            f"redis is out of memory and refuses {call}: raise maxmemory or delete tasks",
            needed="maxmemory",
        )
    if _is_permission(text):
        return IncompatibleRedisError(
            f"redis does not permit {call}: {text}; extend the rights of this user", needed=call
        )
    if "unknown command" in lowered or "wrong number of arguments" in lowered:
        return IncompatibleRedisError(
            f"this redis does not know what {call} needs: {text}", needed=call
        )
    remedy = f"; {_keys_to_look_at(operation)}" if text.startswith("WRONGTYPE") else ""
    return PyasynqError(f"redis refuses {call}: {text}{remedy}")


def _keys_to_look_at(operation: Operation[Any]) -> str:
    """Say what may be of a wrong type; Redis does not tell which key it is."""
    names = list(dict.fromkeys(operation.keys))
    if isinstance(operation.call, Script):
        names.append("the key of a task")
    return f"one of these is of another type: {', '.join(names)}; delete or rename what is there"


def _is_permission(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in ("noperm", "no permissions", "can't run this command"))
