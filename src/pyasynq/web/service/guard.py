"""Tells what a visitor may do, and writes down what they did."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyasynq.admin import audit
from pyasynq.web.access.roles import ACTIONS, Action, Role
from pyasynq.web.access.visitor import Visitor
from pyasynq.web.refusal import Refusal

GUARD = "pyasynq.web.guard"  # where a scope keeps what its visitor may do


class Guard:
    """What one visitor may do.

    Args:
        visitor: who it is.
        is_read_only: whether nobody may change anything.
        method: of the request, for the text of a refusal.

    Attributes:
        visitor, is_read_only: as given.
    """

    def __init__(self, visitor: Visitor, *, is_read_only: bool, method: str = "") -> None:
        self.visitor = visitor
        self.is_read_only = is_read_only
        self._method = method

    def check(self, action: Action | None = None) -> None:
        """Check that the visitor may do something, or look if there is no action.

        Raises:
            Refusal: they may not.
        """
        role = self.visitor.role
        if role < Role.READ:
            who = self.visitor.name or "anybody"
            raise Refusal(403, f"{who} may not look at this", key="may_not_look")
        if action is None:
            return
        if self.is_read_only:  # asynqmon v0.7.2 handler.go restrictToReadOnly
            raise Refusal(
                405,
                f"API Server is running in read-only mode: {self._method} request is not allowed",
                headers={"Allow": "GET"},
                key="read_only",
            )
        if role < ACTIONS[action]:
            needed, has = ACTIONS[action].name.lower(), role.name.lower()
            raise Refusal(
                403,
                f"this needs the role {needed!r}, and yours is {has!r}",
                key="role",
                values={"needed": needed, "role": has},
            )

    def may(self, action: Action) -> bool:
        """Return whether the visitor may do something."""
        return not self.is_read_only and self.visitor.role >= ACTIONS[action]

    @contextmanager
    def acting(self, action: Action, subject: str) -> Iterator[audit.Deed]:
        """Check that the visitor may do something, and log it when it is done, or has failed.

        Raises:
            Refusal: they may not.
        """
        self.check(action)
        with audit.deed(self.visitor.who, action, subject) as deed:
            yield deed
