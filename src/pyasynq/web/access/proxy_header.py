"""A proxy in front of us has asked who it is, and says so in a header."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.requests import Request
from typing_extensions import override

from pyasynq.errors import ConfigError
from pyasynq.web.access.visitor import address_of
from pyasynq.web.refusal import Refusal

LONGEST_NAME = 200
UNIX = "unix"
_NAME_OF_A_HEADER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


class ProxyHeader:
    """Believes a header that tells who has logged in, if a proxy that is trusted sends it.

    Args:
        name: of the header, such as "X-Forwarded-User". The proxy must set it itself, and drop
            what its own visitors send under this name.
        trusted: addresses and networks of proxies, such as "10.0.0.7" and "10.1.0.0/16"; "unix"
            for whoever connects through a socket file. The header of anybody else is ignored.

    Raises:
        ConfigError: the name or one of the addresses is wrong.
    """

    def __init__(self, name: str, *, trusted: Iterable[str]) -> None:
        faults: list[str | None] = []
        given: object = name
        if not isinstance(given, str) or not name or not set(name.lower()) <= _NAME_OF_A_HEADER:
            faults.append(f"the name of a header has letters, digits and hyphens, unlike {name!r}")
        self._networks, self._trusts_unix = _read(trusted, faults)
        ConfigError.raise_if(faults)
        self._name = name.lower()

    @override
    def __repr__(self) -> str:
        return f"ProxyHeader({self._name!r})"

    async def __call__(self, request: Request) -> str:
        """Return the name of who sends a request.

        Raises:
            Refusal: no proxy that is trusted tells it.
        """
        given = request.headers.getlist(self._name) if self._is_trusted(request) else []
        name = given[0].strip() if len(given) == 1 else ""
        if not name or len(name) > LONGEST_NAME:
            raise Refusal(401, "log in at the proxy in front of this page", key="log_in_there")
        return name

    def _is_trusted(self, request: Request) -> bool:
        text = address_of(request)
        if not text:
            return self._trusts_unix
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)


def _read(
    trusted: object, faults: list[str | None]
) -> tuple[list[IPv4Network | IPv6Network], bool]:
    if isinstance(trusted, str) or not isinstance(trusted, Iterable):
        faults.append('trusted must be a list of addresses and networks, such as ["10.0.0.7"]')
        return [], False
    each = list(trusted)
    networks: list[IPv4Network | IPv6Network] = []
    for text in each:
        try:
            if text != UNIX:
                networks.append(ip_network(text))
        except ValueError:
            faults.append(f"trusted: {text!r} is not an address or a network")
    if not each:
        faults.append("trusted must name the proxy: else everybody could claim to be anybody")
    return networks, UNIX in each
