"""Slows down whoever tries one password after the other."""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable

FREE = 5  # attempts before anybody has to wait
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
FORGOTTEN_AFTER_S = 900.0
MOST_ADDRESSES = 10_000
IPV6_PREFIX = 64  # what one customer of a provider has


class Throttle:
    """Attempts to log in, by address, in bounded memory.

    An attempt counts as failed from its beginning until it succeeds, so that many at once count as
    many.

    Args:
        monotonic: returns seconds that never go back.
        most: addresses that are remembered; the one that was quiet for longest is forgotten.
    """

    def __init__(self, monotonic: Callable[[], float], *, most: int = MOST_ADDRESSES) -> None:
        self._monotonic = monotonic
        self._most = most
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how often, and when

    def wait_s(self, address: str) -> float:
        """Return how long this address has to wait before its next attempt; 0 for not at all."""
        count, last_s = self._of(_network(address))
        if count < FREE:
            return 0.0
        doubled = min(count - FREE, 10)
        length_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * (1 << doubled))
        return max(0.0, last_s + length_s - self._monotonic())

    def begin(self, address: str) -> None:
        """Count an attempt."""
        network = _network(address)
        count, _ = self._of(network)
        self._failed[network] = (count + 1, self._monotonic())
        self._failed.move_to_end(network)
        while len(self._failed) > self._most:
            self._failed.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Forget the attempts of this address."""
        self._failed.pop(_network(address), None)

    def _of(self, network: str) -> tuple[int, float]:
        count, last_s = self._failed.get(network, (0, 0.0))
        return (0, 0.0) if last_s + FORGOTTEN_AFTER_S < self._monotonic() else (count, last_s)


def _network(address: str) -> str:
    """Return what stands for all addresses of one visitor."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100]
    if known.version == 4:  # noqa: PLR2004 - the version
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, IPV6_PREFIX), strict=False))
