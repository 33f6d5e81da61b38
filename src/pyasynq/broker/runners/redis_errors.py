"""Classifies errors of Redis: whether to try again, and which error of ours stands for them."""

import re
from typing import Any

from pyasynq.broker.operation import Operation, Script
from pyasynq.errors import ConfigError, IncompatibleRedisError, PyasynqError
from pyasynq.shown import shown

# The server did not execute the call, but will be able to do so later.
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


# Where in a script an error happened: Redis 7 appends it to the error, older servers prepend it.
_LINE_OF_SCRIPT = re.compile(
    r" script: (?:[0-9a-f]{40}, )?on @user_script:\d+\.?$"
    r"|^Error running script \(call to f_[0-9a-f]{40}\): @user_script: ?\d+: -?"
)


def plain_text(error: object) -> str:
    """Return the text of an error without its code and the line of the script: noise for users."""
    return _LINE_OF_SCRIPT.sub("", str(error).removeprefix("ERR "))


def is_no_script(text: str) -> bool:
    """Return whether the server does not know the script, or no longer."""
    return text.startswith(("NOSCRIPT", "No matching script"))


def is_passing(text: str) -> bool:
    """Return whether the same call will work later."""
    return any(word in text for word in _PASSING) or "redis is loading" in text.lower()


def is_credentials(text: str) -> bool:
    """Return whether the server refuses the user or the password."""
    return any(word in text for word in _CREDENTIALS)


def is_refusal(text: str) -> bool:
    """Return whether the connection was refused for good, so that trying again does not help."""
    return is_credentials(text) or _is_permission(text) or _NO_CLUSTER in text


def refusal(operation: Operation[Any], text: str) -> PyasynqError:
    """Return the exception for an error that will not go away by itself.

    Args:
        operation: what was refused.
        text: what the server answered, as `plain_text` returns it.
    """
    call, lowered = operation.name, text.lower()
    if is_credentials(text):
        return ConfigError(f"redis refuses the user or the password: {text}")
    if _NO_CLUSTER in text:
        return ConfigError("this redis is not a cluster; use a redis:// URL for a single server")
    if "maxmemory" in lowered or text.startswith("OOM"):
        return IncompatibleRedisError(
            f"redis is out of memory and refuses {call}: raise maxmemory or delete tasks",
            needed="maxmemory",
        )
    if _is_permission(text):
        return IncompatibleRedisError(
            f"redis does not permit {call}: {text}; give this user more rights", needed=call
        )
    if "unknown command" in lowered or "wrong number of arguments" in lowered:
        return IncompatibleRedisError(
            f"this redis does not know what {call} needs: {text}", needed=call
        )
    remedy = f"; {_keys_to_look_at(operation)}" if text.startswith("WRONGTYPE") else ""
    return PyasynqError(f"redis refuses {call}: {text}{remedy}")


def _keys_to_look_at(operation: Operation[Any]) -> str:
    """Name the keys of which one has a wrong type; Redis does not report which one it is."""
    names = list(map(shown, dict.fromkeys(operation.keys)))
    if isinstance(operation.call, Script):
        names.append("the key of a task")
    return f"one of these keys has a wrong type: {', '.join(names)}; delete or rename it"


def _is_permission(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in ("noperm", "no permissions", "can't run this command"))
