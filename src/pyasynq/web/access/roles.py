"""Roles: what a visitor may do."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Literal, get_args

RoleName = Literal["none", "read", "operate", "admin"]
ROLE_NAMES: tuple[RoleName, ...] = get_args(RoleName)

Action = Literal[
    "run",
    "archive",
    "cancel",
    "reschedule",
    "pause",
    "resume",
    "edit",
    "delete",
    "drop",
    "delete queue",
    "start job",
    "stop job",
    "enqueue",
]


class Role(IntEnum):
    """What a visitor may do: each role may do what those before it may, and more."""

    NONE = 0  # nothing
    READ = 1  # look at everything
    OPERATE = 2  # and do what loses no data
    ADMIN = 3  # and delete, change payloads, and enqueue


ACTIONS: Mapping[Action, Role] = {
    "run": Role.OPERATE,
    "archive": Role.OPERATE,
    "cancel": Role.OPERATE,
    "reschedule": Role.OPERATE,
    "pause": Role.OPERATE,
    "resume": Role.OPERATE,
    "start job": Role.OPERATE,  # and what it does needs its own role
    "stop job": Role.OPERATE,
    "edit": Role.ADMIN,
    "delete": Role.ADMIN,
    "drop": Role.ADMIN,  # cancel a task and delete it
    "delete queue": Role.ADMIN,
    "enqueue": Role.ADMIN,
}
"""Everything that changes something, and the role that it needs."""


def role_of(name: object) -> Role | None:
    """Return the role of this name; None if there is none."""
    return Role[name.upper()] if isinstance(name, str) and name in ROLE_NAMES else None


def role_fault(what: str, name: object) -> str | None:
    """Return what is wrong with the name of a role; None if it is good."""
    if role_of(name) is not None:
        return None
    return f"{what} must be one of {', '.join(map(repr, ROLE_NAMES))}, not {name!r}"
