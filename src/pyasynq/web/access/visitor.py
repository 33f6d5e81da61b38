"""Who sends a request."""

from dataclasses import dataclass

from starlette.requests import Request

from pyasynq.shown import shown
from pyasynq.web.access.roles import Role
from pyasynq.web.hosting import peer_of

USER = "pyasynq.web.user"  # where a scope keeps the name of who has logged in


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who sends a request, and what they may do.

    Attributes:
        name: who has logged in; empty if nobody has to.
        address: where the request comes from; empty if that is not known.
        role: what they may do.
    """

    name: str
    address: str
    role: Role

    @property
    def who(self) -> str:
        """The visitor in a line of the audit log."""
        return f"{shown(self.name) or 'anybody'} from {shown(self.address) or 'nowhere'}"


def user_of(request: Request) -> str:
    """Return the name of who has sent *request*, for a function that resolves roles.

    It is empty if *auth* was not given, since nobody has to log in then.
    """
    name: str = request.scope.get(USER, "")
    return name


def address_of(request: Request) -> str:
    """Return the address of the peer, as the server tells it; empty if it does not.

    One that came by IPv4 has an address of IPv4, also where a server listens by IPv6.
    """
    address = peer_of(request.scope)
    mapped = address.removeprefix("::ffff:")
    return mapped if "." in mapped else address
