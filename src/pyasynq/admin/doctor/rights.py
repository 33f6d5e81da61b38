"""The rights that a user of Redis needs for a role, and no others, as rules of ACL SETUSER; pure.

What a script does is judged by the rights of its user, too. So who has no command that writes can
change nothing, whatever script is sent.
"""

import re
from collections.abc import Mapping, Sequence

from pyasynq.admin.doctor.roles import Role, commands_of
from pyasynq.wire.keys import DEFAULT_NAMESPACE

# Of every role: a connection with a name and a database, scripts, the time, and a cluster's slots.
_EVERYBODY = (
    *("asking", "client|setname", "cluster|slots", "eval", "evalsha", "ping", "select", "time"),
)
# Beside what the scripts of a role call, and the plain commands that are tried.
_BESIDES: Mapping[Role, Sequence[str]] = {
    "producer": ("publish", "wait"),
    "worker": ("client|tracking", "hello", "info", "publish", "subscribe", "unsubscribe", "wait"),
    "scheduler": ("info", "publish", "wait"),
    "inspector": ("cluster|info", "cluster|keyslot", "cluster|nodes", "info", "memory|usage"),
    "admin": (
        *("cluster|info", "cluster|keyslot", "cluster|nodes", "info", "memory|usage", "scan"),
        *("publish", "subscribe", "unsubscribe", "wait"),
    ),
}
_OF_QUEUES = ("queues", "{*")
_OF_SCHEDULERS = ("leader:*", "scheduler_history:*", "schedulers*")
_KEYS: Mapping[Role, Sequence[str]] = {
    "producer": _OF_QUEUES,
    "worker": (*_OF_QUEUES, *_OF_SCHEDULERS, "servers*", "workers*", "x:handled*"),
    "scheduler": (*_OF_QUEUES, *_OF_SCHEDULERS),
    "inspector": ("*",),
    "admin": ("*",),
}
_CHANNELS: Mapping[Role, Sequence[str]] = {
    "producer": ("x:due",),
    "worker": ("cancel", "x:due"),
    "scheduler": ("x:due",),
    "inspector": (),
    "admin": ("cancel", "x:due"),
}
# What a role may call on few keys only: who could write over a list of tasks could delete them all.
_CONFINED: Mapping[Role, Mapping[str, Sequence[str]]] = {
    "producer": {"set": ("{*:unique:*", "{*:x:written")},
}
_SPECIAL = re.compile(r"([\\*?\[\]])")  # of a pattern


def rights_of(role: Role, *, namespace: str = DEFAULT_NAMESPACE) -> tuple[str, ...]:
    """Return the rules of ACL SETUSER for a user who has no rights yet; those of roles add up.

    They are for Redis 7.0 and newer, alone or in a cluster.

    Args:
        namespace: first word of every key.
    """
    prefix = _SPECIAL.sub(r"\\\1", namespace)
    confined = _CONFINED.get(role, {})
    commands = {*_EVERYBODY, *_BESIDES[role], *map(str.lower, commands_of(role))}
    selectors = (
        f"(+{command} {' '.join(f'~{prefix}:{each}' for each in keys)})"
        for command, keys in confined.items()
    )
    return (
        *(f"~{prefix}:{each}" for each in _KEYS[role]),
        *(f"&{prefix}:{each}" for each in _CHANNELS[role]),
        *(f"+{each}" for each in sorted(commands - confined.keys())),
        *selectors,
    )


def line_of(role: Role, *, namespace: str = DEFAULT_NAMESPACE) -> str:
    """Return the command that makes a user of this role; its password is still to be put in."""
    rules = " ".join(rights_of(role, namespace=namespace))
    return f"ACL SETUSER {role} reset resetchannels on >PASSWORD {rules}"
