"""Lets visitors in: who they are, and what they may do."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request

from pyasynq.web.access.basic import BasicAuth
from pyasynq.web.access.roles import Role, RoleName, role_fault, role_of
from pyasynq.web.access.visitor import USER, Visitor, address_of, user_of
from pyasynq.web.refusal import Refusal

Auth = Callable[[Request], str | Awaitable[str | None] | None]
"""Returns the name of who sends a request; None if nobody has logged in."""

Access = (
    RoleName | Mapping[str, RoleName] | Callable[[Request], RoleName | str | Awaitable[RoleName]]
)
"""A role for everybody, roles by name, or what returns the role for a request."""

PAIR = 2  # a name and a hash


class Gate:
    """Tells who sends a request, and what they may do.

    Args:
        auth: tells who it is; None: nobody has to log in.
        access: tells what they may do.
    """

    def __init__(self, auth: Auth | None, access: Access) -> None:
        self._auth = auth
        self._access = access

    @property
    def is_open(self) -> bool:
        """Whether everybody who comes here may change everything."""
        return self._auth is None and self._access == "admin"

    def close(self) -> None:
        """End what comparing passwords needs; safe to repeat."""
        if isinstance(self._auth, BasicAuth):
            self._auth.close()

    async def visitor(self, request: Request) -> Visitor:
        """Return who sends a request.

        Raises:
            Refusal: somebody must log in first.
        """
        request.scope[USER] = ""
        if self._auth is not None:
            name = await _awaited(self._auth(request))
            if not isinstance(name, str) or not name:
                raise Refusal(401, "log in first", key="log_in_first")
            request.scope[USER] = name
        return Visitor(
            name=user_of(request),
            address=address_of(request),
            role=await self._role(request),
        )

    async def _role(self, request: Request) -> Role:
        """Return what the visitor may do; nothing, if what resolves roles returns something odd."""
        access: Any = self._access
        if isinstance(access, Mapping):
            access = access.get(user_of(request), "none")
        elif callable(access):
            access = await _awaited(access(request))
        return role_of(access) or Role.NONE


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def auth_of(given: object) -> Any:
    """Return what tells who sends a request; a pair is the name and the hash of one user."""
    if isinstance(given, tuple) and len(given) == PAIR:
        return BasicAuth({given[0]: given[1]})
    return given


def auth_fault(given: object) -> str | None:
    """Return what is wrong with *auth*; None if it is good, or not given."""
    is_pair = isinstance(given, tuple) and len(given) == PAIR
    if given is None or is_pair or callable(given):
        return None
    return (
        "auth must be a pair of a name and the hash of a password, a BasicAuth, a ProxyHeader, or "
        f"a function that returns a name, not {type(given).__name__}"
    )


def access_fault(given: object) -> str | None:
    """Return what is wrong with *access*; None if it is good."""
    if isinstance(given, Mapping):
        faults = (role_fault(f"the role of {name!r}", role) for name, role in given.items())
        return next((fault for fault in faults if fault), None)
    return None if callable(given) else role_fault("access", given)
